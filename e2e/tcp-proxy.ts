import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * `pass`: as if it were not there. `blackhole`: nothing goes either way and connections stay open; what was sent arrives
 * when it ends, as after a network split. `half`: what is sent arrives, the replies are lost, and their connections with
 * them when it ends. `latency`: everything arrives `ms` later, each way. `reset`: connections are reset; new ones too
 * with `refuse`, else they pass.
 */
export type ProxyMode =
  | { readonly kind: 'pass' | 'blackhole' | 'half' }
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'reset'; readonly refuse: boolean }

/** One way of a connection. */
class Flow {
  readonly #to: Socket
  readonly #mode: () => ProxyMode
  readonly #isReply: boolean
  /** What is under way; `null` is the end. */
  readonly #queue: { readonly chunk: Buffer | null; readonly dueAt: number }[] = []
  #timer: NodeJS.Timeout | undefined
  hasLost = false

  constructor(from: Socket, to: Socket, mode: () => ProxyMode, isReply: boolean) {
    this.#to = to
    this.#mode = mode
    this.#isReply = isReply
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.on('close', () => this.#take(null))
    from.on('error', () => {})
  }

  #take(chunk: Buffer | null): void {
    const mode = this.#mode()
    if (mode.kind === 'half' && this.#isReply && chunk !== null) this.hasLost = true
    else this.#queue.push({ chunk, dueAt: performance.now() + (mode.kind === 'latency' ? mode.ms : 0) })
    this.deliver()
  }

  /** In order, whatever is due; called again whenever the mode has changed. */
  deliver(): void {
    clearTimeout(this.#timer)
    if (this.#mode().kind === 'blackhole') return
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const waitMs = head.dueAt - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.deliver(), Math.ceil(waitMs))
        return
      }
      this.#queue.shift()
      if (head.chunk === null) this.#to.end()
      else if (this.#to.writable) this.#to.write(head.chunk)
    }
  }
}

interface Connection {
  readonly server: Socket
  readonly sockets: readonly Socket[]
  readonly flows: readonly Flow[]
}

/** A network of its own between one client and a server on this machine, which can fail on demand. */
export class TcpProxy {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  #mode: ProxyMode = { kind: 'pass' }

  private constructor(server: Server, targetPort: number) {
    this.#server = server
    server.on('connection', (client) => this.#connect(client, targetPort))
  }

  /** Listens on a free loopback port. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer()
    const proxy = new TcpProxy(server, targetPort)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From which its connections reach the server: so the server tells them from those of others. */
  get targetPorts(): number[] {
    return [...this.#connections].flatMap(({ server: { localPort } }) => localPort ?? [])
  }

  /** Takes effect at once, also for what is under way. */
  set(mode: ProxyMode): void {
    this.#mode = mode
    for (const { sockets, flows } of this.#connections) {
      if (mode.kind === 'reset' || flows.some(({ hasLost }) => hasLost)) {
        for (const socket of sockets) socket.resetAndDestroy()
      }
      for (const flow of flows) flow.deliver()
    }
  }

  async close(): Promise<void> {
    this.set({ kind: 'reset', refuse: true })
    this.#server.close()
    await once(this.#server, 'close')
  }

  #connect(client: Socket, targetPort: number): void {
    client.on('error', () => {})
    if (this.#mode.kind === 'reset' && this.#mode.refuse) {
      client.resetAndDestroy()
      return
    }
    const server = connect(targetPort, '127.0.0.1').setNoDelay()
    client.setNoDelay()
    const mode = (): ProxyMode => this.#mode
    const flows = [new Flow(client, server, mode, false), new Flow(server, client, mode, true)]
    const connection = { server, sockets: [client, server], flows }
    this.#connections.add(connection)
    server.on('close', () => this.#connections.delete(connection))
  }
}
