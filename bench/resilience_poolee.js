/* Requests at a fixed rate through poolee: what resilience_pool.c does, with
 * the same arguments and the same output. poolee is found by NODE_PATH. */
'use strict'

const fs = require('fs')
const http = require('http')
const { parseArgs } = require('util')
const Pool = require('poolee')

const MAX_PENDING = 10000
const MAX_SOCKETS = 100
const GIVE_UP_MS = 300000

const { values } = parseArgs({
  options: {
    port: { type: 'string', short: 'p' },
    endpoints: { type: 'string', short: 'e' },
    rate: { type: 'string', short: 'r' },
    seconds: { type: 'string', short: 't' },
    seed: { type: 'string', short: 's' }, // poolee has none
    pings: { type: 'boolean', short: 'g' },
    rejects: { type: 'boolean', short: 'j' }
  }
})
const rate = Number(values.rate)
const total = rate * Number(values.seconds)

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n)
}

function makePool() {
  const options = {
    maxPending: MAX_PENDING,
    maxSockets: MAX_SOCKETS,
    keepAlive: true
  }

  if (values.pings) options.ping = '/ping'
  // true: try again, after the usual backoff
  if (values.rejects) {
    options.retryFilter = (_, response) => response.statusCode >= 500
  }
  const nodes = Array.from({ length: Number(values.endpoints) },
    (_, i) => `127.0.0.${i + 1}:${values.port}`)
  return new Pool(http, nodes, options)
}

// One word, as errors of the other contestant are.
function nameOf(error) {
  return `${error.reason || error.message}`.trim().replace(/\s+/g, '_')
}

const pool = makePool()
const lines = []
let offered = 0

function conclude(dueUs, madeUs, result) {
  lines.push(`${dueUs} ${madeUs} ${nowUs()} ${result}\n`)
  if (lines.length === total) {
    fs.writeSync(1, lines.join(''))
    process.exit(0)
  }
}

function offer(dueUs) {
  const madeUs = nowUs()

  pool.get('/', (error, response, body) => {
    conclude(dueUs, madeUs, error ? nameOf(error) : response.statusCode)
  })
}

const begunUs = nowUs()

function tick() {
  const passedUs = nowUs() - begunUs

  for (; offered < total; offered++) {
    const dueUs = Math.floor(offered * 1e6 / rate)

    if (dueUs > passedUs) break
    offer(begunUs + dueUs)
  }
  if (offered === total) clearInterval(ticks)
}

const ticks = setInterval(tick, 1)

setTimeout(() => {
  console.error('bench: poolee: not all requests have ended')
  process.exit(1)
}, GIVE_UP_MS)
