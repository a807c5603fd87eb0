import { HttpError } from './errors.js'
import type { App } from './routes/types.js'

/** Bodies are JSON, or empty; whatever else is sent is refused as 415. */
export function acceptJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    // Clients that always name a content type may send it without a body.
    if (text === '') return done(null, undefined)
    return parse(request, text as string, (error, body) =>
      error === null ? done(null, body) : done(new HttpError(400, 'BAD_REQUEST', whyNot(text as string))),
    )
  })
}

function whyNot(text: string): string {
  try {
    JSON.parse(text)
  } catch (error) {
    return `The body is not JSON: ${(error as Error).message}`
  }
  // What JSON allows and the parser does not.
  return 'The body must not have a key "__proto__", nor "constructor" with "prototype" in it'
}
