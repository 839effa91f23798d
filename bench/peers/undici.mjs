// undici, by its two interfaces:
//
//   node undici.mjs request|dispatch [the options of closed.mjs]
import {
  addresses, body, connections, fail, method, mode, path, require, run
} from './closed.mjs'

const { BalancedPool, Pool } = require('undici')

const urls = addresses.map(address => `http://${address}`)
const options = { connections, pipelining: 1 }
const pool = urls.length === 1
  ? new Pool(urls[0], options) : new BalancedPool(urls, options)

async function request(done) {
  const answer = await pool.request({ path, method, body })
  const { byteLength } = await answer.body.arrayBuffer()

  done(answer.statusCode, byteLength)
}

// By the names of undici 7, and by those of 6.
class Handler {
  constructor(done) {
    this.done = done
    this.status = 0
    this.bytes = 0
  }

  onRequestStart() {}

  onResponseStart(_, status) {
    this.status = status
  }

  onResponseData(_, chunk) {
    this.bytes += chunk.length
  }

  onResponseEnd() {
    this.done(this.status, this.bytes)
  }

  onResponseError(_, error) {
    fail(error.message)
  }

  onConnect() {}

  onHeaders(status) {
    this.status = status
    return true
  }

  onData(chunk) {
    this.bytes += chunk.length
    return true
  }

  onComplete() {
    this.onResponseEnd()
  }

  onError(error) {
    fail(error.message)
  }
}

function dispatch(done) {
  pool.dispatch({ path, method, body }, new Handler(done))
}

const modes = {
  request: done => request(done).catch(error => fail(error.message)),
  dispatch
}
run(modes[mode] ?? fail('request or dispatch?'))
