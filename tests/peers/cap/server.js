// One SAP CAP server on 127.0.0.1: sqlite file in, OData V2 and V4 out.
//
//   node server.js --port N --database FILE [--numbers] [--keyset] [--page N] [--max-page N]
//                  [--bare-dates] [--audit FILE] [--user NAME --password TEXT]
//
// --numbers sends Decimal and Int64 as JSON numbers over V4 (as strings otherwise); --keyset makes
// the skip tokens hold the last key in place of an offset; --page is the server's own page and
// --max-page the largest that a $top can make it; --bare-dates leaves the offset of instants away
// over V2.
const { parseArgs } = require('node:util')
const { appendFileSync } = require('node:fs')
const { once } = require('node:events')

console.log = console.info = console.warn = console.error // stdout carries the ready line only
const { values: option } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    database: { type: 'string' },
    numbers: { type: 'boolean', default: false },
    keyset: { type: 'boolean', default: false },
    page: { type: 'string', default: '1000' },
    'max-page': { type: 'string', default: '10000' },
    'bare-dates': { type: 'boolean', default: false },
    audit: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
  },
})
const HOST = '127.0.0.1'

// Headers of what the V2 adapter asks of this very process, which comes from no client.
const INTERNAL = ['x-cds-odata-version', 'x-correlationid']

function audit(request, _response, next) {
  if (option.audit && !INTERNAL.some((name) => name in request.headers)) {
    const { method, url, headers } = request
    const entry = { method, target: url, headers, time: Date.now() / 1000 }
    appendFileSync(option.audit, JSON.stringify(entry) + '\n')
  }
  next()
}

function login(request, response, next) {
  const wanted = 'Basic ' + Buffer.from(`${option.user}:${option.password}`).toString('base64')
  if (!option.user || request.headers.authorization === wanted) return next()
  response.status(401).set('WWW-Authenticate', 'Basic realm="SAP NetWeaver"').end()
}

// What the model calls not filterable or not sortable is refused, as a Gateway does.
function refuse(request) {
  const { where, orderBy } = request.query.SELECT ?? {}
  for (const [part, word] of [[where, 'filter'], [orderBy, 'sort']]) {
    const asked = JSON.stringify(part ?? [])
    for (const [name, element] of Object.entries(request.target.elements)) {
      if (element[`@sap.${word}able`] === 'false' && asked.includes(`"ref":["${name}"]`)) {
        request.reject(400, `Property ${name} is not ${word}able`)
      }
    }
  }
}

async function main() {
  process.env.CDS_CONFIG = JSON.stringify({
    requires: { db: { credentials: { url: option.database } } },
    features: { ieee754compatible: !option.numbers },
    cov2ap: { jsonDateOffset: !option['bare-dates'] },
    query: { limit: { max: Number(option['max-page']), default: Number(option.page), reliablePaging: option.keyset } },
  })
  process.chdir(__dirname)
  const cds = require('@sap/cds')
  cds.on('bootstrap', (app) => {
    const listen = app.listen
    app.listen = (chosen, ...rest) => listen.call(app, chosen, HOST, ...rest)
    app.use(audit, login, require('@cap-js-community/odata-v2-adapter')())
  })
  cds.on('serving', (service) => service.before('READ', '*', refuse))
  const server = await cds.server({ service: 'all', port: Number(option.port) })
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address()
  await cds.emit('listening', { server, url: `http://${HOST}:${port}` })
  process.stdout.write(JSON.stringify({ port, pid: process.pid }) + '\n')
}

process.stdin.on('end', () => process.exit(0)).resume()
main().catch((error) => {
  console.error(error)
  process.exit(1)
})
