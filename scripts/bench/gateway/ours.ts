/** Contender: this gateway, whole, with the engine that is named in the arguments. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { startGateway } from '../../../gateway/process/start-single.ts'
import { readSetting } from './setting.ts'

const [engine = 'native', share] = process.argv.slice(2)
const { supergraph, issuer, jwksUri, audience, folder } = readSetting()
const config = join(folder, `gateway-${engine}-${share ? 'shared' : 'alone'}.yaml`)
writeFileSync(
  config,
  `engine: ${engine}
subgraphs: { all: { share: ${share !== undefined} } }
authentication:
  issuers:
    - issuer: ${issuer}
      jwks_uri: ${jwksUri}
      allow_http: true
      audiences: [${audience}]
      algorithms: [ES256]
      token_types: [at+jwt]
`,
)
const { url } = await startGateway({
  supergraph,
  config,
  environment: {},
  secret: 'a secret that only this benchmark knows',
  listen: { host: '127.0.0.1', port: 0, portSetting: '--port' },
  log: pino({ level: 'error' }),
})
process.send!({ listening: url })
