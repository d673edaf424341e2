/** Which keys and algorithms verify the tokens of an issuer. */
import type { KeyPlace } from '../authentication/key-source.ts'
import { duration, section } from './values.ts'
import type { Problem } from './values.ts'

/** The keys of the file that say where an issuer's keys come from: exactly one of them is given. */
export const keyKeys = ['discovery', 'jwks_uri', 'jwks_file', 'jwks', 'introspection'] as const

const symmetricAlgorithms = ['HS256', 'HS384', 'HS512']

/** `key_set` of an issuer: how its keys are fetched and kept. */
export const keySetSchema = section({
  max_age: duration({ least: '10s', most: '24h' })
    .default(600_000)
    .describe('How long a key set is fresh if the issuer sends no Cache-Control'),
  stale_for: duration({ least: '0s', most: '30d' })
    .default(86_400_000)
    .describe('How long the last good key set is used while the issuer cannot be reached'),
  cooldown: duration({ least: '1s', most: '1h' })
    .default(30_000)
    .describe('The shortest time between two fetches because of an unknown key id'),
  timeout: duration({ least: '100ms', most: '30s' })
    .default(1_500)
    .describe('The longest time that a fetch may take'),
})

/** The keys of the file that these checks are about, before they are checked. */
export type IssuerKeysInput = Partial<Record<(typeof keyKeys)[number] | 'algorithms', unknown>>

/** Reports an issuer without a source of keys, or with several. */
export function checkKeyPlace(issuer: IssuerKeysInput, problem: Problem): void {
  const given = keyKeys.filter((name) => issuer[name] !== undefined)
  if (given.length === 0) {
    problem([], `needs one of ${keyKeys.join(', ')}: where its keys come from`)
  }
  if (given.length > 1) problem([], `has ${given.join(' and ')}: keys come from one place`)
}

/** Reports algorithms that must not verify tokens together, or not with keys from that place. */
export function checkAlgorithms(issuer: IssuerKeysInput, problem: Problem): void {
  const algorithms = Array.isArray(issuer.algorithms) ? issuer.algorithms : []
  const symmetric = algorithms.filter((name) => symmetricAlgorithms.includes(name))
  if (symmetric.length > 0 && symmetric.length < algorithms.length) {
    const message = 'mixes HS with public-key algorithms: a public key would serve as an HS secret'
    problem(['algorithms'], message)
  }
  if (symmetric.length > 0 && (issuer.discovery || issuer.jwks_uri)) {
    problem(['algorithms'], 'HS needs keys from jwks or jwks_file: a shared key is not published')
  }
}

/** Returns where the keys of a valid entry come from; undefined where it has none. */
export function keyPlaceOf(issuer: {
  jwks_uri?: string | undefined
  jwks_file?: string | undefined
  jwks?: unknown
  introspection?: unknown
}): KeyPlace | undefined {
  if (issuer.introspection) return undefined
  if (issuer.jwks_uri) return { kind: 'url', url: issuer.jwks_uri }
  if (issuer.jwks_file) return { kind: 'file', path: issuer.jwks_file }
  if (issuer.jwks) return { kind: 'inline', document: issuer.jwks }
  return { kind: 'discovery' }
}
