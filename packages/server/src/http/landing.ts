import { readFile } from 'node:fs/promises'
import type { App } from './routes/types.js'

// From the sources and from the build, the folder is two levels up.
const FOLDER = new URL('../../static/', import.meta.url)

const FILES = [
  { url: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { url: '/static/landing.js', file: 'landing.js', type: 'text/javascript; charset=utf-8' },
  { url: '/static/landing.css', file: 'landing.css', type: 'text/css; charset=utf-8' },
]

/** Serves the page that shows schedules and recent runs at a glance. It holds no data: its script asks the API. */
export async function serveLandingPage(app: App): Promise<void> {
  for (const { url, file, type } of FILES) {
    const content = await readFile(new URL(file, FOLDER))
    app.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(content),
    )
  }
}
