/** Presets of `authentication.issuers`: what the documentation of an identity provider says of its tokens. */
import { isObject } from '../values/json.ts'
import { keyKeys } from './issuer-keys.ts'

type Settings = Readonly<Record<string, unknown>>

const rsa = { algorithms: ['RS256'], token_types: ['JWT'] }
const microsoft = 'https://login.microsoftonline.com'

/** The settings that each preset stands for. `{issuer}` is the issuer of the entry. */
export const issuerPresets = {
  okta: { ...rsa, discovery: true, scopes_claim: 'scp' },
  /** Okta says that access tokens of the org server are opaque: they are all for Okta itself. */
  'okta-org': { audience_claim: 'client_id' },
  auth0: {
    algorithms: ['RS256'],
    token_types: ['at+jwt', 'JWT'],
    discovery: true,
    scopes_claim: ['scope', 'permissions'],
  },
  'entra-v1': {
    ...rsa,
    jwks_uri: `${microsoft}/common/discovery/keys`,
    scopes_claim: ['scp', 'roles'],
  },
  'entra-v2': { ...rsa, discovery: true, scopes_claim: ['scp', 'roles'] },
  'entra-multitenant': {
    ...rsa,
    jwks_uri: `${microsoft}/common/discovery/v2.0/keys`,
    scopes_claim: ['scp', 'roles'],
  },
  cognito: {
    ...rsa,
    discovery: true,
    audience_claim: 'client_id',
    scopes_claim: ['scope', 'cognito:groups'],
  },
  keycloak: {
    algorithms: ['RS256'],
    token_types: ['at+jwt', 'JWT'],
    discovery: true,
    audience_claim: 'azp',
    scopes_claim: ['scope', 'realm_access.roles'],
  },
  google: { ...rsa, discovery: true, id_tokens: 'accept' },
  firebase: {
    ...rsa,
    jwks_uri:
      'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
  },
  supabase: {
    algorithms: ['ES256', 'RS256'],
    token_types: ['JWT'],
    jwks_uri: '{issuer}/.well-known/jwks.json',
  },
} satisfies Readonly<Record<string, Settings>>

/** The name of a preset. */
export type PresetName = keyof typeof issuerPresets

/** The names of all presets. */
export const presetNames = Object.keys(issuerPresets) as PresetName[]

/**
 * Returns the content of a configuration file with the settings of each preset in full; a setting that the
 * entry has itself stays. An unknown preset is left for the schema to report.
 */
export function withPresets(content: unknown): unknown {
  if (!isObject(content) || !isObject(content.authentication)) return content
  const { issuers } = content.authentication
  if (!Array.isArray(issuers)) return content
  return {
    ...content,
    authentication: { ...content.authentication, issuers: issuers.map(withPreset) },
  }
}

/** Returns an entry of `authentication.issuers` with the settings of its preset in full. */
export function withPreset(entry: unknown): unknown {
  if (!isObject(entry) || typeof entry.preset !== 'string') return entry
  if (!Object.hasOwn(issuerPresets, entry.preset)) return entry
  const { preset, ...own } = entry
  const hasKeys = keyKeys.some((name) => own[name] !== undefined)
  const settings = Object.entries<unknown>(issuerPresets[preset as PresetName])
    .filter(([name]) => !hasKeys || !keyKeys.some((key) => key === name))
    .map(([name, value]) => [name, about(value, own.issuer)])
  return {
    ...own,
    ...Object.fromEntries(settings.filter(([name]) => !Object.hasOwn(own, name as string))),
  }
}

function about(value: unknown, issuer: unknown): unknown {
  if (typeof value !== 'string') return value
  return value.replaceAll('{issuer}', () => String(issuer))
}
