import { afterEach, beforeEach, expect, test } from 'vitest'
import { testServer, type TestServer } from '../testing/test-server.js'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server[Symbol.asyncDispose]())

test('the page links the documentation, and holds nothing that its content policy refuses', async () => {
  const { status, headers, text } = await server.call('GET', '/')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(text).toContain('href="/docs"')
  expect(text).toContain('href="/openapi.json"')
  expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/)
})

test('everything that the page loads is served with its type', async () => {
  const { text } = await server.call('GET', '/')
  const files = [...text.matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map(([, file]) => file!)
  expect(files.toSorted()).toEqual(['/static/landing.css', '/static/landing.js'])
  for (const file of files) {
    const { status, headers } = await server.call('GET', file)
    expect(status).toBe(200)
    expect(headers['content-type']).toContain(file.endsWith('.css') ? 'text/css' : 'text/javascript')
  }
})

test('what the API says enters the page as text only', async () => {
  const { text } = await server.call('GET', '/static/landing.js')
  expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)
})
