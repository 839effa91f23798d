// What burst.c does, with the same arguments and the same output, for libraries
// of node.js:
//
//   node burst.mjs undici|poolee -p PORT -n CALLS ...
import { peakKib } from '../memory.mjs'
import { number, readArguments } from './settings.mjs'

const TICK_MS = 10
const TICKS_BEFORE = 25

const { contestant, settings } = readArguments({
  port: number('p', '80'),
  calls: number('n', '1'),
  connections: number('c', '20'),
  maxPending: number('m', '10000000'),
  timeoutMs: number('d', '0')
})
const get = contestant({ ...settings, endpoints: 1 })

const counts = { refused: 0, failed: 0, answered: 0 }
let ticks = 0
let lastTickMs = 0
let longestGapMs = 0
let beganMs, loopedMs, answeredMs, endedMs, peakBeforeKib
let warm = false
let asking = false

const nowMs = () => performance.now()

function noteBurst(result) {
  if (result === 200) counts.answered++
  else if (loopedMs === undefined) counts.refused++
  else counts.failed++
  if (counts.refused + counts.failed + counts.answered === settings.calls) {
    endedMs = nowMs()
  }
}

function makeAll() {
  if (!warm) throw new Error('the warm-up was not answered')
  peakBeforeKib = peakKib()
  beganMs = nowMs()
  for (let i = 0; i < settings.calls; i++) get(noteBurst)
  loopedMs = nowMs()
}

function askLater() {
  if (answeredMs !== undefined || asking) return
  asking = true
  get(result => {
    asking = false
    if (result === 200) answeredMs = nowMs()
  })
}

function report() {
  console.log(`loop_ms ${(loopedMs - beganMs).toFixed(1)}`)
  for (const [name, n] of Object.entries(counts)) console.log(`${name} ${n}`)
  console.log(`gap_ms ${longestGapMs.toFixed(1)}`)
  console.log(`answers_ms ${(answeredMs - beganMs).toFixed(1)}`)
  console.log(`ended_ms ${(endedMs - beganMs).toFixed(1)}`)
  console.log(`peak_kib ${peakKib() - peakBeforeKib}`)
  process.exit(0)
}

function tick() {
  const now = nowMs()

  if (ticks > 0) longestGapMs = Math.max(longestGapMs, now - lastTickMs)
  lastTickMs = now
  if (ticks++ === 0) get(result => { warm = result === 200 })
  else if (ticks === TICKS_BEFORE) makeAll()
  else if (ticks > TICKS_BEFORE) askLater()
  if (endedMs !== undefined && answeredMs !== undefined) report()
}

setInterval(tick, TICK_MS)
