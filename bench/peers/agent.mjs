// node's own http.request() with a keep-alive http.Agent:
//
//   node agent.mjs [the options of closed.mjs]
import http from 'http'
import {
  addresses, body, connections, fail, method, path, run
} from './closed.mjs'

const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
const targets = addresses.map(address => {
  const [host, port] = address.split(':')
  const headers = body ? { 'Content-Length': body.length } : {}
  return { host, port, path, method, headers, agent }
})
let turn = 0

run(done => {
  const request = http.request(targets[turn++ % targets.length], response => {
    let bytes = 0

    response.on('data', chunk => { bytes += chunk.length })
    response.on('end', () => done(response.statusCode, bytes))
  })

  request.on('error', error => fail(error.message))
  request.end(body)
})
