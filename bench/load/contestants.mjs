// Libraries of node.js that make requests, as their users would set them up;
// what contestant.h says, for JavaScript. Each is a function that takes
//
//   { port, endpoints, connections, maxPending, timeoutMs, pings, rejects }
//
// (maxPending and timeoutMs: 0 is the library's own or none) and gives back
// another: get(done) makes one GET of /, which ends with one done(result): the
// status, or as a text what went wrong. They are found by NODE_PATH.
import http from 'http'
import { createRequire } from 'module'

const require = createRequire(import.meta.url)

// One word, as errors of the others are.
function nameOf(error) {
  const code = typeof error.code === 'string' ? error.code : error.name
  return `${error.reason || code}`.trim().replace(/\s+/g, '_')
}

export function undici(settings) {
  const { Pool } = require('undici')
  const pool = new Pool(`http://127.0.0.1:${settings.port}`,
    { connections: settings.connections, pipelining: 1 })
  const get = async () => {
    const signal = settings.timeoutMs
      ? AbortSignal.timeout(settings.timeoutMs) : undefined
    const { statusCode, body } =
      await pool.request({ path: '/', method: 'GET', signal })
    await body.text()
    return statusCode
  }

  return done => get().then(done, error => done(nameOf(error)))
}

// poolee takes the time while no byte moves, and looks each `resolution` ms;
// so the caller has a timer of its own too, and then does not listen any more.
export function poolee(settings) {
  const Pool = require('poolee')
  const options = {
    maxPending: settings.maxPending,
    maxSockets: settings.connections,
    keepAlive: true
  }
  if (settings.timeoutMs) {
    options.timeout = settings.timeoutMs
    options.resolution = 50
  }
  if (settings.pings) options.ping = '/ping'
  // true: try again, after the usual backoff
  if (settings.rejects) {
    options.retryFilter = (_, response) => response.statusCode >= 500
  }
  const nodes = Array.from({ length: settings.endpoints },
    (_, i) => `127.0.0.${i + 1}:${settings.port}`)
  const pool = new Pool(http, nodes, options)

  return done => {
    let timer
    const conclude = result => {
      clearTimeout(timer)
      if (done) done(result)
      done = null
    }
    if (settings.timeoutMs) {
      timer = setTimeout(conclude, settings.timeoutMs, 'timed_out')
    }
    pool.get('/', (error, response, body) =>
      conclude(error ? nameOf(error) : response.statusCode))
  }
}
