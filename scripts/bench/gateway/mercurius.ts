/** A contender: Mercurius with its gateway, which knows the first version of federation, and jose. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { federationOneSchema } from './federation-one-schema.ts'
import { readSetting } from './setting.ts'

/** The little that is used of the packages, which are installed with the other gateways. */
interface Application {
  register(plugin: unknown, options: object): void
  listen(address: object): Promise<string>
}

const { subgraphs, schemas, peers, issuer, jwksUri, audience } = readSetting()
const packageOf = createRequire(join(peers, 'package.json'))
const fastify = packageOf('fastify') as (options: object) => Application
const mercuriusGateway = packageOf('@mercuriusjs/gateway') as unknown

const keys = createRemoteJWKSet(new URL(jwksUri))
/** Verified subjects by token: Mercurius itself remembers none. */
const verified = new Map<string, string>()

async function subjectOf(authorization = ''): Promise<string> {
  const known = verified.get(authorization)
  if (known !== undefined) return known
  const token = authorization.slice('Bearer '.length)
  const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
  verified.set(authorization, payload.sub!)
  return payload.sub!
}

const application = fastify({ bodyLimit: 10 * 1024 * 1024 })
application.register(mercuriusGateway, {
  context: async (request: { headers: { authorization?: string } }) => ({
    subject: await subjectOf(request.headers.authorization),
  }),
  gateway: {
    services: Object.entries(subgraphs).map(([name, url]) => ({
      name,
      url,
      schema: federationOneSchema(name, readFileSync(schemas[name]!, 'utf8')),
      connections: 100,
      rewriteHeaders: (_: unknown, context?: { subject: string }) => ({
        'x-user-id': context?.subject ?? '',
      }),
    })),
  },
})
const origin = await application.listen({ port: 0, host: '127.0.0.1' })
process.send!({ listening: `${origin}/graphql` })
