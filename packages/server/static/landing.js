// Shows what the API tells. Text only ever enters the page as text, so nothing in it can be markup.

const REFRESH_MS = 5000
const ROWS = 20
const TOKEN_KEY = 'evertick.token'
const TONES = {
  succeeded: 'good',
  active: 'good',
  running: 'busy',
  pending: 'busy',
  retrying: 'odd',
  paused: 'odd',
  missed: 'odd',
  skipped: 'odd',
  cancelled: 'odd',
  failed: 'bad',
  lost: 'bad',
  broken: 'bad',
}

const byId = (id) => document.getElementById(id)

async function get(path) {
  const token = sessionStorage.getItem(TOKEN_KEY)
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(`/api/v1/${path}`, { headers })
  const body = await response.json()
  if (response.ok) return body
  throw Object.assign(new Error(body.detail), { status: response.status })
}

function element(name, text, className = '') {
  const made = document.createElement(name)
  made.textContent = text
  if (className !== '') made.className = className
  return made
}

function row(cells) {
  const made = document.createElement('tr')
  made.append(...cells)
  return made
}

const cell = (text) => element('td', text ?? '–')
const status = (name) => element('td', name ?? '–', TONES[name])

function time(iso) {
  return iso === null || iso === undefined ? '–' : new Date(iso).toLocaleString()
}

function took({ startedAt, endedAt }) {
  if (startedAt === null || endedAt === null) return '–'
  const ms = Date.parse(endedAt) - Date.parse(startedAt)
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}

function fill(id, items, columns, present) {
  const none = element('td', 'None yet', 'empty')
  none.colSpan = columns
  byId(id).replaceChildren(...(items.length === 0 ? [row([none])] : items.map((item) => row(present(item)))))
}

function showFigures({ schedules, runs, overdueMs }) {
  const figures = {
    'Active schedules': schedules.active,
    Paused: schedules.paused,
    Broken: schedules.broken,
    'Waiting runs': runs.pending + runs.retrying,
    'Running now': runs.running,
    Overdue: `${(overdueMs / 1000).toFixed(1)} s`,
  }
  const boxes = Object.entries(figures).map(([name, value]) => {
    const box = document.createElement('div')
    box.append(element('dt', name), element('dd', String(value)))
    return box
  })
  byId('figures').replaceChildren(...boxes)
}

async function show() {
  const [stats, schedules, runs] = await Promise.all([
    get('stats'),
    get(`schedules?limit=${ROWS}`),
    get(`runs?limit=${ROWS}`),
  ])
  showFigures(stats)
  fill('schedules', schedules.items, 5, (schedule) => [
    cell(schedule.id),
    cell(schedule.task),
    status(schedule.state),
    cell(time(schedule.nextFireTime)),
    status(schedule.lastRun?.status),
  ])
  fill('runs', runs.items, 6, (run) => [
    cell(run.scheduleId),
    cell(time(run.fireTime)),
    status(run.status),
    cell(String(run.attempt)),
    cell(run.node),
    cell(took(run)),
  ])
}

async function refresh() {
  const notice = byId('notice')
  let needsToken = false
  try {
    await show()
    notice.hidden = true
    byId('data').hidden = false
  } catch (error) {
    needsToken = error.status === 401
    notice.textContent = needsToken ? 'This server asks for a token.' : `No answer: ${error.message}`
    notice.hidden = false
    byId('data').hidden = needsToken
  }
  byId('login').hidden = !needsToken
  // Whoever has to type must not lose what was typed, nor count as guessing.
  if (!needsToken) setTimeout(() => void refresh(), REFRESH_MS)
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(TOKEN_KEY, byId('token').value)
  void refresh()
})

void refresh()
