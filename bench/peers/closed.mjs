// What the contestants of node.js share: the options of the programs in C
// (common.h), and a closed loop with as many requests in hand as there are
// connections, and -w more. After a warm-up, in which every connection has
// served and the compiler has seen enough, -n requests are timed.
//
//   node PROGRAM -p PORT -c CONNECTIONS -n REQUESTS [-e ENDPOINTS]
//        [-w WAITERS] [-P PATH] [-m METHOD] [-b BODY_BYTES]
//        [-a ANSWER_BYTES] [-l]
//
//   -a   how long the body of each answer has to be [12]
//   -l   latencies too
//
// Prints "key value" lines: exchanges (the warm-up's too), user_us and
// system_us for each request, per_second, rss_kib, and with -l p50_us, p99_us,
// p999_us and max_us. Modules are found by NODE_PATH.
import { createRequire } from 'module'
import { parseArgs } from 'util'
import { peakKib } from '../memory.mjs'

export const require = createRequire(import.meta.url)

const WARM_UP_LEAST = 20000 // until the compiler has seen enough
const WARM_UP_EACH = 2
const GIVE_UP_MS = 300000

const text = (short, value) => ({ type: 'string', short, default: value })
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: text('p', '80'),
    connections: text('c', '1'),
    requests: text('n', '1000'),
    endpoints: text('e', '1'),
    waiters: text('w', '0'),
    path: text('P', '/hello'),
    method: text('m', 'GET'),
    body: text('b', '0'),
    answer: text('a', '12'),
    latencies: { type: 'boolean', short: 'l', default: false }
  }
})

const requests = +values.requests
const inHand = +values.connections + +values.waiters

export const mode = positionals[0]
export const path = values.path
export const method = values.method
export const body = +values.body > 0 ? Buffer.alloc(+values.body, 'x') : null
export const connections = +values.connections / +values.endpoints

// Of each endpoint, as bench_host() has it.
export const addresses = Array.from({ length: +values.endpoints }, (_, i) =>
  `127.0.${Math.floor(i / 250)}.${i % 250 + 1}:${values.port}`)

const warmUp = Math.max(WARM_UP_LEAST, WARM_UP_EACH * inHand)
const goal = warmUp + requests
const tookMs = values.latencies ? new Float64Array(requests) : null
let finished = 0
let left = inHand // loops that still run
let usage, beganMs

export function fail(why) {
  console.error(`bench: ${process.argv[1]}: ${why}`)
  process.exit(1)
}

if (!Number.isInteger(connections)) {
  fail('the connections do not spread evenly')
}

function reportLatencies() {
  tookMs.sort()
  const us = part => (tookMs[Math.ceil(requests * part) - 1] * 1000).toFixed(0)
  console.log(`p50_us ${us(0.5)}`)
  console.log(`p99_us ${us(0.99)}`)
  console.log(`p999_us ${us(0.999)}`)
  console.log(`max_us ${us(1)}`)
}

function report() {
  const seconds = (performance.now() - beganMs) / 1000
  const { user, system } = process.cpuUsage(usage)

  console.log(`exchanges ${goal}`)
  console.log(`user_us ${(user / requests).toFixed(4)}`)
  console.log(`system_us ${(system / requests).toFixed(4)}`)
  console.log(`per_second ${(requests / seconds).toFixed(0)}`)
  console.log(`rss_kib ${peakKib()}`)
  if (tookMs) reportLatencies()
}

// As many are sent in the timed stretch as come back; what is in hand at its
// end comes back after it.
function note(sentMs) {
  if (tookMs && finished >= warmUp && finished < goal) {
    tookMs[finished - warmUp] = performance.now() - sentMs
  }
  if (++finished === warmUp) {
    usage = process.cpuUsage()
    beganMs = performance.now()
  } else if (finished === goal) {
    report()
  }
}

// send(done) makes one request; it ends with done(status, bytes of the body),
// or with fail().
export function run(send) {
  function again() {
    const sentMs = tookMs ? performance.now() : 0

    send((status, bytes) => {
      if (status !== 200 || bytes !== +values.answer) {
        fail(`an answer of ${status} with ${bytes} bytes`)
      }
      note(sentMs)
      if (finished < goal) again()
      else if (--left === 0) process.exit(0)
    })
  }

  setTimeout(() => fail('not all requests have ended'), GIVE_UP_MS)
  for (let i = 0; i < inHand; i++) again()
}
