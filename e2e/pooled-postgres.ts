import { PgBouncer, PostgresServer } from '@evertick/core/testing'

/** After a failure it would wait for 15 s before it tries the server again. */
const SETTINGS = { server_login_retry: '1' }

/** A PostgreSQL server that is reached through PgBouncer, which gives each transaction another connection. */
export class PooledPostgres {
  readonly #server: PostgresServer
  readonly #pooler: PgBouncer

  private constructor(server: PostgresServer, pooler: PgBouncer) {
    this.#server = server
    this.#pooler = pooler
  }

  static async start(): Promise<PooledPostgres> {
    const server = await PostgresServer.start()
    return new PooledPostgres(server, await PgBouncer.start(server, { settings: SETTINGS }))
  }

  get url(): string {
    return this.#pooler.url
  }

  get port(): number {
    return this.#pooler.port
  }

  get deadlocks(): number {
    return this.#server.deadlocks
  }

  kill(): Promise<void> {
    return this.#server.kill()
  }

  crash(): Promise<void> {
    return this.#server.crash()
  }

  restart(): Promise<void> {
    return this.#server.restart()
  }

  async stop(): Promise<void> {
    await this.#pooler.stop()
    await this.#server.stop()
  }
}
