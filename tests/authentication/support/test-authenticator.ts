/** An authenticator with the defaults of the configuration, against issuers of the tests. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { authenticator } from '../../../gateway/authentication/authenticator.ts'
import type {
  Authenticator,
  AuthenticatorOptions,
  AuthenticatorParts,
} from '../../../gateway/authentication/authenticator.ts'
import { authenticationMetrics } from '../../../gateway/authentication/metrics.ts'
import type { IssuerOptions } from '../../../gateway/authentication/issuer.ts'
import type { Caller } from '../../../gateway/client-request.ts'
import { GatewayError } from '../../../gateway/errors.ts'
import type { TestIssuer } from './test-issuer.ts'

export function issuerOptions(
  { issuer, jwksUri }: Pick<TestIssuer, 'issuer' | 'jwksUri'>,
  options: Partial<IssuerOptions> = {},
): IssuerOptions {
  return {
    issuer,
    keys: { kind: 'url', url: jwksUri },
    allowHttp: false,
    audiences: ['portcullis'],
    algorithms: ['ES256'],
    tokenTypes: ['at+jwt'],
    clockTolerance: 5_000,
    maxTokenAge: 86_400_000,
    audienceClaim: 'aud',
    requireKeyId: true,
    idTokens: 'refuse',
    senderConstrained: 'accept',
    scopesClaims: ['scope'],
    subjectPrefix: '',
    keySet: { maxAge: 600_000, staleFor: 86_400_000, cooldown: 30_000, timeout: 30_000 },
    ...options,
  }
}

export interface TestAuthenticator extends Authenticator {
  /** Returns the caller of a request with that bearer token, or the name of the refusal. */
  ask(token?: string): Promise<Caller | string>
  /** Returns whether the tokens of every required issuer can be verified. */
  ready(): boolean
  /** What was logged. */
  readonly log: Record<string, unknown>[]
}

export function testAuthenticator(
  issuers: IssuerOptions[],
  options: Partial<AuthenticatorOptions> = {},
  parts: Partial<AuthenticatorParts> = {},
): TestAuthenticator {
  const log: Record<string, unknown>[] = []
  const logger = pino(
    { level: 'trace' },
    { write: (line: string) => void log.push(JSON.parse(line)) },
  )
  const subject = authenticator(
    {
      require: false,
      issuers,
      sources: [{ header: 'authorization', scheme: 'Bearer' }],
      otherSchemes: 'refuse',
      onInvalid: 'refuse',
      cache: { entries: 10_000, refusedFor: 5_000 },
      ...options,
    },
    {
      claims: { forward: ['sub', 'scope', 'name'], narrowed: [] },
      metrics: authenticationMetrics(new Registry()),
      log: logger,
      ...parts,
    },
  )
  return {
    ...subject,
    log,
    ready: () => subject.unreadiness().length === 0,
    ask: (token) => outcome(subject, token ? { authorization: [`Bearer ${token}`] } : {}),
  }
}

/** Returns the caller, or the name of the refusal. */
export async function outcome(
  { authenticate }: Pick<Authenticator, 'authenticate'>,
  headers: Record<string, string[]>,
): Promise<Caller | string> {
  try {
    return await authenticate(headers)
  } catch (error) {
    if (error instanceof GatewayError) return error.reason
    throw error
  }
}
