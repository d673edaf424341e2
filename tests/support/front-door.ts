/** One graph behind several gateways of different configurations, asked over real HTTP. */
import { request as httpRequest } from 'node:http'
import { parse } from 'graphql'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphOptions, SubgraphResolvers } from '../../subgraphs/kit/serve-subgraph.ts'
import { compose } from './compose.ts'
import { startIssuer } from './issuer.ts'
import { gatewaySecret, runGateway } from './running-gateway.ts'
import type { RunningGateway } from './running-gateway.ts'

export interface FrontDoorParts {
  sdl: string
  resolvers: SubgraphResolvers
  /** The events of each field of `Subscription`. */
  subscriptions?: SubgraphOptions['subscriptions'] | undefined
  /** What each gateway's configuration has beside the issuer, by the name of the gateway. */
  gateways: Readonly<Record<string, string>>
}

export interface FrontDoor {
  readonly supergraphSdl: string
  gateway(name: string): RunningGateway
  /** Returns the headers of a caller with these scopes, and other claims than usual. */
  caller(scope: string, claims?: Readonly<Record<string, unknown>>): Promise<Record<string, string>>
  /** Sends JSON, or a text as it is. */
  post(gateway: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  get(gateway: string, search: Record<string, string>): Promise<Response>
  /** What the gateway has logged above `info`, but for keys that came late on a busy machine. */
  complaints(gateway: string): string[]
  close(): Promise<void>
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly body: ResponseBody
}

export interface ResponseBody {
  readonly data?: Record<string, unknown> | null
  readonly errors?: {
    readonly message: string
    readonly path?: readonly (string | number)[]
    readonly extensions: Readonly<Record<string, unknown>>
  }[]
}

/** Returns once every gateway accepts connections. */
export async function openFrontDoor(parts: FrontDoorParts): Promise<FrontDoor> {
  const issuer = await startIssuer()
  const subgraph = await serveSubgraph({
    name: 'graph',
    typeDefs: parse(parts.sdl),
    resolvers: parts.resolvers,
    ...(parts.subscriptions ? { subscriptions: parts.subscriptions } : {}),
    keys: [deriveClaimsKey(gatewaySecret, 'graph')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
  })
  const subgraphs = [{ name: 'graph', url: subgraph.url, sdl: parts.sdl }]
  const authentication = `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
`
  const started = Object.entries(parts.gateways).map(
    async ([name, config]) =>
      [name, await runGateway(subgraphs, `${authentication}${config}\n`)] as const,
  )
  const gateways = new Map(await Promise.all(started))
  const gateway = (name: string) => {
    const found = gateways.get(name)
    if (!found) throw new Error(`there is no gateway ${name}`)
    return found
  }

  return {
    supergraphSdl: compose(subgraphs),
    gateway,
    caller: async (scope, claims = {}) => ({
      authorization: `Bearer ${await issuer.accessToken({ scope, ...claims })}`,
    }),
    post: (name, body, headers = {}) =>
      send(gateway(name).url, 'POST', { 'content-type': 'application/json', ...headers }, body),
    get: (name, search) => send(`${gateway(name).url}?${new URLSearchParams(search)}`, 'GET', {}),
    complaints: (name) =>
      gateway(name).log.filter((line) => {
        const { level, issuer } = JSON.parse(line) as { level: number; issuer?: string }
        return level > 30 && issuer === undefined
      }),
    async close() {
      await Promise.all([...gateways.values()].map((each) => each.close()))
      await subgraph.close()
      await issuer.close()
    },
  }
}

/** By node:http, which changes nothing of a request. */
function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers })
    sent.on('error', reject).on('response', async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      const { statusCode = 0 } = response
      resolve({ status: statusCode, headers: response.headers, text, body: read(text) })
    })
    const isText = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined
    sent.end(isText ? body : JSON.stringify(body))
  })
}

function read(text: string): ResponseBody {
  try {
    return JSON.parse(text) as ResponseBody
  } catch {
    return {}
  }
}
