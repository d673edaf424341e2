/** `npm run bench -- authentication`: the CPU time per request of authenticating its caller. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { deflateSync } from 'node:zlib'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWK, JWTPayload } from 'jose'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { authenticationMetrics } from '../../gateway/authentication/metrics.ts'
import { authenticator } from '../../gateway/authentication/authenticator.ts'
import type {
  Authenticator,
  AuthenticatorOptions,
} from '../../gateway/authentication/authenticator.ts'
import type { ApiKeyOptions } from '../../gateway/authentication/exchange-api-key.ts'
import type { IssuerOptions } from '../../gateway/authentication/issuer.ts'
import type { RevocationOptions } from '../../gateway/authentication/revocation/issuer-revocation.ts'
import { narrowClaims } from '../../gateway/authentication/select-claims.ts'
import { claimsSigningKey } from '../../gateway/forwarding/claims-signing-key.ts'
import { subgraphForwarding } from '../../gateway/forwarding/subgraph-headers.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

const rounds = 5
const distinctTokens = 10_000
const firstUses = 300
const issuerName = 'https://id.example.com'
const secret = 'a secret that only this benchmark knows'

interface Signer {
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

interface Row {
  readonly what: string
  readonly microseconds: number
}

/** Prints the table. */
export async function main(): Promise<void> {
  const es256 = await signer('ES256')
  const list = await publishStatusList(es256)
  const tokens = await signMany(es256, distinctTokens, list.uri)
  const rows: Row[] = []
  const row = (what: string, microseconds: number) => void rows.push({ what, microseconds })

  await withAuthenticator(es256, {}, async (subject) => {
    row('no token', await median(() => perRequest(subject, [undefined], 100_000)))
  })
  for (const algorithm of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
    const each = algorithm === 'ES256' ? es256 : await signer(algorithm)
    const some =
      algorithm === 'ES256' ? tokens.slice(0, firstUses) : await signMany(each, firstUses)
    row(`first use, ${algorithm}`, await median(() => firstUse(each, some)))
  }
  await withAuthenticator(es256, {}, async (subject) => {
    await perRequest(subject, tokens, tokens.length)
    row(
      'remembered, one token',
      await median(() => perRequest(subject, tokens.slice(0, 1), 100_000)),
    )
    row('remembered, 10,000 tokens', await median(() => perRequest(subject, tokens, 100_000)))
  })
  await withAuthenticator(es256, { revocation: revocation(list.uri) }, async (subject) => {
    await perRequest(subject, tokens, tokens.length)
    row(
      'remembered, 10,000 tokens, with revocation (a list of 2^20)',
      await median(() => perRequest(subject, tokens, 100_000)),
    )
  })
  const endpoint = await exchangeEverything(tokens)
  const keys = tokens.map((_, index) => `pck_${index}`)
  await withAuthenticator(
    es256,
    { revocation: revocation(list.uri) },
    async (subject) => {
      await perRequest(subject, keys, keys.length)
      row(
        'remembered, 10,000 API keys, with revocation',
        await median(() => perRequest(subject, keys, 100_000)),
      )
    },
    { apiKeys: apiKeys(endpoint.url) },
  )
  endpoint.close()
  const forged = tokens.map((token) => `${token.slice(0, -6)}AAAAAA`)
  row(
    'refused: signature, first time',
    await median(() => firstUse(es256, forged.slice(0, firstUses))),
  )
  await withAuthenticator(es256, {}, async (subject) => {
    row(
      'refused: signature, remembered',
      await median(() => perRequest(subject, forged.slice(0, 1), 50_000)),
    )
    row('refused: malformed', await median(() => perRequest(subject, ['garbage'], 50_000)))
  })
  row('header for a subgraph, HS256: signed', await median(() => signing('HS256', 5_000)))
  row('header for a subgraph, EdDSA: signed', await median(() => signing('EdDSA', 1_000)))
  row(
    'header for a subgraph, amortised: 5,000 callers, 20 calls each',
    await median(() => signing('HS256', 5_000, 20)),
  )
  const memory = await memoryPerToken(es256, tokens)
  list.close()
  print(rows, memory)
}

async function signer(algorithm: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'key-1' } }
}

/** Returns access tokens as the auth subgraph issues them (RFC 9068). */
async function signMany(by: Signer, count: number, list?: string): Promise<string[]> {
  const now = Math.floor(Date.now() / 1_000)
  const tokens: string[] = []
  for (let index = 0; index < count; index++) {
    const claims: JWTPayload = {
      iss: issuerName,
      aud: 'portcullis',
      sub: String(index),
      client_id: 'bench',
      iat: now,
      exp: now + 3_600,
      jti: crypto.randomUUID(),
      sid: crypto.randomUUID(),
      scope: 'profile profile:email',
      name: 'Alice',
      ...(list ? { status: { status_list: { idx: index, uri: list } } } : {}),
    }
    tokens.push(
      await new SignJWT(claims)
        .setProtectedHeader({ alg: by.algorithm, kid: 'key-1', typ: 'at+jwt' })
        .sign(by.privateKey),
    )
  }
  return tokens
}

async function publishStatusList(by: Signer): Promise<{ uri: string; close(): void }> {
  let text = ''
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/statuslist+jwt')
    response.end(text)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/status-lists/1`
  const lst = deflateSync(Buffer.alloc(2 ** 17)).toString('base64url')
  text = await new SignJWT({ status_list: { bits: 1, lst }, ttl: 3_600 })
    .setProtectedHeader({ alg: by.algorithm, kid: 'key-1', typ: 'statuslist+jwt' })
    .setSubject(uri)
    .setIssuedAt()
    .sign(by.privateKey)
  return {
    uri,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Starts a token endpoint (RFC 8693) that has an access token for every API key. */
async function exchangeEverything(tokens: readonly string[]) {
  let count = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const access_token = tokens[count++ % tokens.length]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token, token_type: 'Bearer', expires_in: 3_600 }))
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function apiKeys(tokenEndpoint: string): ApiKeyOptions {
  return {
    tokenEndpoint,
    prefix: 'pck_',
    subjectTokenType: 'api-key',
    timeout: 1_500,
    entries: distinctTokens,
    refusedFor: 5_000,
  }
}

function revocation(uri: string): RevocationOptions {
  return {
    statusLists: [uri],
    notBefore: undefined,
    refresh: 3_600_000,
    staleFor: 3_600_000,
    whenStale: 'refuse',
    required: true,
    timeout: 1_500,
  }
}

async function withAuthenticator<T>(
  by: Signer,
  options: Partial<IssuerOptions>,
  use: (subject: Authenticator) => Promise<T>,
  more: Partial<AuthenticatorOptions> = {},
): Promise<T> {
  const subject = authenticator(
    {
      require: false,
      issuers: [
        {
          issuer: issuerName,
          keys: { kind: 'inline', document: { keys: [by.jwk] } },
          allowHttp: false,
          audiences: ['portcullis'],
          algorithms: [by.algorithm],
          tokenTypes: ['at+jwt'],
          clockTolerance: 5_000,
          maxTokenAge: 86_400_000,
          audienceClaim: 'aud',
          requireKeyId: true,
          idTokens: 'refuse',
          senderConstrained: 'accept',
          scopesClaims: ['scope'],
          subjectPrefix: '',
          keySet: { maxAge: 600_000, staleFor: 86_400_000, cooldown: 30_000, timeout: 1_500 },
          ...options,
        },
      ],
      sources: [{ header: 'authorization', scheme: 'Bearer' }],
      otherSchemes: 'refuse',
      onInvalid: 'refuse',
      cache: { entries: distinctTokens, refusedFor: 60_000 },
      ...more,
    },
    {
      claims: { forward: ['sub', 'scope', 'name', 'sid'], narrowed: [] },
      metrics: authenticationMetrics(new Registry()),
      // Log lines are made, but not written.
      log: pino({ level: 'info' }, { write: () => {} }),
    },
  )
  await subject.warm
  try {
    return await use(subject)
  } finally {
    await subject.close()
  }
}

/** Returns the CPU time of one request in microseconds, as the mean of `count` requests. */
async function perRequest(
  { authenticate }: Authenticator,
  tokens: readonly (string | undefined)[],
  count: number,
): Promise<number> {
  const requests = tokens.map((token) => (token ? { authorization: [`Bearer ${token}`] } : {}))
  const start = process.cpuUsage()
  for (let index = 0; index < count; index++) {
    try {
      const caller = authenticate(requests[index % requests.length]!)
      if (caller instanceof Promise) await caller
    } catch {
      // Some rows measure the cost of a refusal.
    }
  }
  return spentSince(start) / count
}

/** Returns the CPU time of one request with a token that the authenticator sees for the first time. */
function firstUse(by: Signer, tokens: readonly string[]): Promise<number> {
  return withAuthenticator(by, {}, (subject) => perRequest(subject, tokens, tokens.length))
}

async function signing(algorithm: 'HS256' | 'EdDSA', callers: number, calls = 1): Promise<number> {
  const { headers } = subgraphForwarding({
    subgraph: 'users',
    signingKey: claimsSigningKey('users', algorithm, secret),
    narrow: (claims) => narrowClaims(claims, ['sub', 'scope', 'name']),
  })
  const claims = Array.from({ length: callers }, (_, index): Claims => ({
    sub: String(index),
    scope: 'profile',
    name: 'Alice',
    sid: 'session',
  }))
  const start = process.cpuUsage()
  for (let call = 0; call < calls; call++) {
    for (const each of claims) headers({ claims: each })
  }
  return spentSince(start) / (callers * calls)
}

/** Returns the heap that one remembered token needs, in bytes. */
async function memoryPerToken(by: Signer, tokens: readonly string[]): Promise<number> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return withAuthenticator(by, {}, async (subject) => {
    gc()
    const before = process.memoryUsage().heapUsed
    await perRequest(subject, tokens, tokens.length)
    gc()
    return (process.memoryUsage().heapUsed - before) / tokens.length
  })
}

function spentSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return user + system
}

async function median(measure: () => Promise<number>): Promise<number> {
  await measure()
  const figures: number[] = []
  for (let round = 0; round < rounds; round++) figures.push(await measure())
  return figures.toSorted((a, b) => a - b)[rounds >> 1]!
}

function print(rows: readonly Row[], memory: number): void {
  const width = Math.max(...rows.map(({ what }) => what.length))
  console.log(`CPU time per request, median of ${rounds} rounds`)
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}\n`)
  for (const { what, microseconds } of rows) {
    console.log(`${what.padEnd(width)}  ${microseconds.toFixed(2).padStart(8)} us`)
  }
  const kilobytes = (memory / 1024).toFixed(1).padStart(8)
  console.log(`\n${'memory of a remembered token'.padEnd(width)}  ${kilobytes} KB`)
}
