/** A gateway in front of an auth subgraph, which asks it for revocations every second. */
import { expect } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { runGateway } from './running-gateway.ts'

export interface GatewayOfAuth {
  /** Of GraphQL. */
  readonly url: string
  /** Returns whether an access token is accepted; one that is not has been revoked. */
  accepts(token: string): Promise<boolean>
  close(): Promise<void>
}

const schema = readFileSync(new URL('../../subgraphs/auth/schema.graphql', import.meta.url), 'utf8')

/**
 * @param refresh how often it asks for revocations
 * @param more what else gateway.yaml has
 */
export async function gatewayOfAuth(
  authUrl: string,
  refresh = '1s',
  more = '',
): Promise<GatewayOfAuth> {
  const at = (path: string) => new URL(path, authUrl).href
  const gateway = await runGateway(
    [{ name: 'auth', url: authUrl, sdl: schema }],
    `authentication:
  issuers:
    - issuer: http://127.0.0.1:4001
      jwks_uri: ${at('/.well-known/jwks.json')}
      audiences: [portcullis]
      algorithms: [ES256]
      revocation:
        status_lists: ['${at('/status-lists/')}']
        not_before: ${at('/revocations')}
        refresh: ${refresh}
claims:
  forward: [iss, sub, scope, sid]
${more}`,
  )
  return { url: gateway.url, accepts, close: gateway.close }

  async function accepts(token: string): Promise<boolean> {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ __typename }' }),
    })
    const { errors = [] } = (await response.json()) as { errors?: { extensions: object }[] }
    if (response.status === 200) return true
    expect(errors).toMatchObject([{ extensions: { reason: 'TOKEN_REVOKED' } }])
    return false
  }
}
