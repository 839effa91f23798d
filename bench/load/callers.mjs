// What callers.c does, with the same arguments and the same output, for
// libraries of node.js:
//
//   node callers.mjs undici|poolee -p PORT -r RATE -t SECONDS ...
import fs from 'fs'
import { number, readArguments } from './settings.mjs'

const PAUSE_US = 100000

const { contestant, settings } = readArguments({
  port: number('p', '80'),
  endpoints: number('e', '1'),
  rate: number('r', '1'),
  seconds: number('t', '1'),
  connections: number('c', '20'),
  maxPending: number('m', '0'),
  timeoutMs: number('d', '0'),
  tries: number('k', '1'),
  seed: number('s', '0'),
  independent: { type: 'boolean', short: 'i', default: false },
  pings: { type: 'boolean', short: 'g', default: false },
  rejects: { type: 'boolean', short: 'j', default: false }
})
// 0 is poolee's default; the same number as httpool's in callers.c
if (settings.maxPending === 0) settings.maxPending = 10000000
const get = contestant(settings)

function nowUs() {
  return Number(process.hrtime.bigint() / 1000n)
}

// Above 0, below 1; the same numbers as random.c's.
let state = BigInt(settings.seed)
function random() {
  state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
  let z = state
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  z ^= z >> 31n
  return (Number(z >> 11n) + 0.5) / 9007199254740992
}

function intervalUs() {
  const averageUs = 1e6 / settings.rate
  return Math.floor(
    settings.independent ? -Math.log(random()) * averageUs : averageUs)
}

const lines = []
let again = [] // { dueUs, number }, in the order of dueUs
let toCome = settings.rate * settings.seconds
let inHand = 0
let nextUs = nowUs()

function make(dueUs, number) {
  const madeUs = nowUs()

  inHand++
  get(result => {
    const endedUs = nowUs()

    inHand--
    lines.push(`${dueUs} ${madeUs} ${endedUs} ${result} ${number}\n`)
    if (typeof result === 'string' && number < settings.tries && toCome > 0) {
      again.push({ dueUs: endedUs + PAUSE_US, number: number + 1 })
    }
  })
}

function tick() {
  const untilUs = nowUs()

  for (; toCome > 0 && nextUs <= untilUs; nextUs += intervalUs()) {
    toCome--
    make(nextUs, 1)
  }
  const later = again.findIndex(({ dueUs }) => dueUs > untilUs)
  const due = again.splice(0, later < 0 ? again.length : later)

  for (const { dueUs, number } of due) make(dueUs, number)
  if (toCome === 0 && again.length === 0 && inHand === 0) {
    fs.writeSync(1, lines.join(''))
    process.exit(0)
  }
}

setInterval(tick, 1)
