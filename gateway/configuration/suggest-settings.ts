/** Which settings of `authentication.issuers` would have to change for a token of another shape. */
import { isIdToken } from '../authentication/check-claims.ts'
import { claimAt } from '../authentication/claim-path.ts'
import type { IssuerOptions } from '../authentication/issuer.ts'
import type { UnverifiedToken } from '../authentication/read-token.ts'
import { mediaType } from '../authentication/verify-access-token.ts'
import { issuerSchema } from './issuer.ts'
import { withPreset } from './issuer-presets.ts'
import type { PresetName } from './issuer-presets.ts'

/** Settings under their names in the file. */
export type SuggestedSettings = Readonly<Record<string, unknown>>

/** Claims in which providers state an audience, and scopes. */
const audienceClaims = ['aud', 'client_id', 'azp', 'cid', 'appid']
const scopeClaims = [
  ...['scope', 'scp', 'permissions', 'roles'],
  ...['realm_access.roles', 'cognito:groups', 'groups'],
]

/** The org authorization server of Okta, whose tokens only Okta can verify. */
const oktaOrg = /^https:\/\/[^/]+\.okta(?:preview|-emea)?\.com$/

/** How the issuers of a provider look; a provider on hosts of its users has only a path. */
const providers: Readonly<Partial<Record<PresetName, RegExp>>> = {
  okta: /^https:\/\/[^/]+\.okta(?:preview|-emea)?\.com\/oauth2\/[^/]+$/,
  auth0: /^https:\/\/[^/]+\.auth0\.com\/$/,
  'entra-v1': /^https:\/\/sts\.windows\.net\/[^/]+\/$/,
  'entra-v2': /^https:\/\/login\.microsoftonline\.com\/[^/]+\/v2\.0$/,
  cognito: /^https:\/\/cognito-idp\.[^/]+\.amazonaws\.com\/[^/]+$/,
  google: /^https:\/\/accounts\.google\.com$/,
  firebase: /^https:\/\/securetoken\.google\.com\/[^/]+$/,
  supabase: /^https:\/\/[^/]+\.supabase\.co\/auth\/v1$/,
  keycloak: /^https?:\/\/.+\/realms\/[^/]+$/,
}

/** Returns an entry for the issuer that the token names; undefined where it names none. */
export function suggestEntry(token: UnverifiedToken): SuggestedSettings | undefined {
  const { iss: issuer } = token.payload
  if (typeof issuer !== 'string' || issuer === '') return undefined
  if (oktaOrg.test(issuer)) return oktaOrgEntry(issuer, token)
  const preset = Object.entries(providers).find(([, form]) => form.test(issuer))?.[0]
  const entry = { ...(preset ? { preset } : {}), issuer, ...keysFor(token, preset) }
  const unknownAudience = 'the audience of this gateway'
  const { data } = issuerSchema.safeParse(withPreset({ ...entry, audiences: [unknownAudience] }))
  if (!data) return { ...entry, audiences: [unknownAudience] }
  const audience = [data.audienceClaim, ...audienceClaims].flatMap((name) =>
    texts(claimAt(token.payload, name)),
  )[0]
  const audiences = [audience ?? unknownAudience]
  return { ...entry, audiences, ...suggestSettings(token, { ...data, audiences }) }
}

function oktaOrgEntry(issuer: string, { payload }: UnverifiedToken): SuggestedSettings {
  const client = texts(payload.cid)[0] ?? 'the id of the client'
  return {
    preset: 'okta-org',
    issuer,
    audiences: [client],
    introspection: {
      endpoint: `${issuer}/oauth2/v1/introspect`,
      client_id: client,
      client_secret: '${file./run/secrets/okta-client}',
    },
  }
}

/** Returns where the keys of a new entry come from: a preset knows, unless they are shared. */
function keysFor(token: UnverifiedToken, preset: string | undefined): SuggestedSettings {
  if (isShared(token)) return sharedKeys(token)
  return preset ? {} : { discovery: true }
}

function isShared({ algorithm }: UnverifiedToken): boolean {
  return algorithm.startsWith('HS')
}

function sharedKeys({ keyId: kid }: UnverifiedToken): SuggestedSettings {
  const named = kid === undefined ? {} : { kid }
  return { jwks: { keys: [{ kty: 'oct', ...named, k: '${env.JWT_SECRET_BASE64URL}' }] } }
}

/** Returns an entry for a token that is no JWT: only its issuer knows what it is good for. */
export function suggestIntrospection(): SuggestedSettings {
  return {
    issuer: 'the issuer of the token',
    audiences: ['the audience of this gateway'],
    introspection: {
      endpoint: 'the introspection_endpoint of its metadata',
      client_id: 'the id of this gateway there',
      client_secret: '${file./run/secrets/introspection}',
    },
  }
}

/** Returns the settings that the entry would need for a token of this shape; none where it needs no others. */
export function suggestSettings(token: UnverifiedToken, entry: IssuerOptions): SuggestedSettings {
  const { algorithm, keyId, type = 'JWT', payload } = token
  if (entry.introspection) return {}
  const { iat } = payload
  const settings: Record<string, unknown> = {}
  if (!entry.algorithms.includes(algorithm)) {
    settings.algorithms = withOne(entry.algorithms.filter(mayStandWith(algorithm)), algorithm)
  }
  const isPublished = entry.keys?.kind === 'discovery' || entry.keys?.kind === 'url'
  if (isShared(token) && isPublished) Object.assign(settings, sharedKeys(token))
  if (!entry.tokenTypes.some((known) => mediaType(known) === mediaType(type))) {
    settings.token_types = withOne(entry.tokenTypes, type)
  }
  if (keyId === undefined && entry.requireKeyId) settings.require_key_id = false
  if (isIdToken(payload) && entry.idTokens === 'refuse') settings.id_tokens = 'accept'
  if (payload.cnf !== undefined && entry.senderConstrained === 'refuse') {
    settings.sender_constrained = 'accept'
  }
  const isOld = typeof iat === 'number' && Date.now() - iat * 1_000 > entry.maxTokenAge
  if (entry.maxTokenAge < Infinity && (iat === undefined || isOld)) settings.max_token_age = 'off'
  return { ...settings, ...suggestAudience(payload, entry), ...suggestScopes(payload, entry) }
}

function suggestAudience(
  payload: UnverifiedToken['payload'],
  { audiences, audienceClaim }: IssuerOptions,
): SuggestedSettings {
  const statedIn = (name: string) => texts(claimAt(payload, name))
  const isMeant = (name: string) => statedIn(name).some((audience) => audiences.includes(audience))
  if (isMeant(audienceClaim)) return {}
  const claim =
    audienceClaims.find(isMeant) ??
    [audienceClaim, ...audienceClaims].find((name) => statedIn(name).length > 0)
  if (claim === undefined) return {}
  return {
    ...(isMeant(claim) ? {} : { audiences: withOne(audiences, statedIn(claim)[0]!) }),
    ...(claim === audienceClaim ? {} : { audience_claim: claim }),
  }
}

function suggestScopes(
  payload: UnverifiedToken['payload'],
  { scopesClaims }: IssuerOptions,
): SuggestedSettings {
  const isStated = (name: string) => texts(claimAt(payload, name)).length > 0
  if (scopesClaims.some(isStated)) return {}
  const stated = scopeClaims.filter(isStated)
  if (stated.length === 0) return {}
  return { scopes_claim: stated.length === 1 ? stated[0] : stated }
}

function texts(value: unknown): string[] {
  return [value].flat().filter((entry) => typeof entry === 'string')
}

function withOne(list: readonly string[], one: string): string[] {
  return [...new Set([...list, one])]
}

/** Returns a filter for the algorithms that may be in one list with that one. */
function mayStandWith(algorithm: string): (other: string) => boolean {
  return (other) => other.startsWith('HS') === algorithm.startsWith('HS')
}
