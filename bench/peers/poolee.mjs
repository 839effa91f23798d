// poolee:
//
//   node poolee.mjs [the options of closed.mjs]
import http from 'http'
import {
  addresses, body, connections, fail, method, path, require, run
} from './closed.mjs'

const Pool = require('poolee')

const pool = new Pool(http, addresses, {
  keepAlive: true,
  maxSockets: connections,
  maxPending: 1000000
})

run(done => {
  const options = { path, method, data: body, encoding: null }

  pool.request(options, (error, response, bytes) => {
    if (error) fail(error.message)
    done(response.statusCode, bytes.length)
  })
})
