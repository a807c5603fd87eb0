import { once } from 'node:events'
import { createServer } from 'node:http'

/** What the http schedules call: answers after a moment, and hands each request to `requested`. */
export async function startTarget(requested) {
  const server = createServer((request, response) => {
    const { headers } = request
    requested({
      event: 'start',
      run: headers['evertick-run'],
      attempt: Number(headers['evertick-attempt']),
      fence: Number(headers['evertick-fence']),
      at: Date.now(),
    })
    setTimeout(() => response.end('thank you\n'), 30)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
