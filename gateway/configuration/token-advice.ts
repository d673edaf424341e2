/** What an operator could do about a token: settings for it, and why some tokens should not get any. */
import { isIdToken, isRefreshToken } from '../authentication/check-claims.ts'
import type { TokenExplanation } from '../authentication/explain-token.ts'
import { looksLikeJwt } from '../authentication/known-issuers.ts'
import type { UnverifiedToken } from '../authentication/read-token.ts'
import { suggestEntry, suggestIntrospection, suggestSettings } from './suggest-settings.ts'
import type { SuggestedSettings } from './suggest-settings.ts'

export interface TokenAdvice {
  /** What kind of token it is, where that decides what to do. */
  readonly remarks: readonly string[]
  /** The settings that tokens like this one need; undefined where there are none, or none should be given. */
  readonly settings: SuggestedSettings | undefined
  /** Whether the settings are a complete entry of `authentication.issuers`. */
  readonly isNewEntry: boolean
}

interface Remark {
  readonly applies: (token: UnverifiedToken) => boolean
  readonly text: string
  /** Whether no settings are of any use. */
  readonly isFinal?: true
}

/** Microsoft Graph as an audience, by its application id and by its URI. */
const graph: readonly unknown[] = [
  '00000003-0000-0000-c000-000000000000',
  'https://graph.microsoft.com',
]

const remarks: readonly Remark[] = [
  {
    applies: ({ payload }) => isRefreshToken(payload),
    text: 'It is a refresh token, which is for its issuer only: clients have to send the access token.',
    isFinal: true,
  },
  {
    applies: ({ payload }) => graph.includes(payload.aud),
    text: 'It is for Microsoft Graph, and nobody else can verify it: clients have to request a scope of your own API, such as api://CLIENT_ID/.default.',
    isFinal: true,
  },
  {
    // Google gives no other tokens that could be verified.
    applies: ({ payload }) => isIdToken(payload) && payload.iss !== 'https://accounts.google.com',
    text: 'It is an ID token, which is for the client that the user logged in to: clients should send the access token. Only if the provider has none for your API, accept it with id_tokens.',
  },
  {
    applies: ({ algorithm }) => algorithm.startsWith('HS'),
    text: 'It is signed with a shared secret, with which anybody who verifies such tokens can make them. The key comes from jwks or jwks_file, in place of discovery or jwks_uri.',
  },
]

const encrypted =
  'It is encrypted: only its issuer can read it. Auth0 gives such tokens to clients that request no audience.'

/**
 * Returns the advice about a token.
 *
 * @param configured the issuers of the configuration
 */
export function adviseOnToken(
  text: string,
  { token, issuer }: Pick<TokenExplanation, 'token' | 'issuer'>,
  configured: readonly string[],
): TokenAdvice {
  if (!token) {
    const isEncrypted = text.split('.').length === 5
    return {
      remarks: isEncrypted ? [encrypted] : [],
      settings: looksLikeJwt(text) ? undefined : suggestIntrospection(),
      isNewEntry: true,
    }
  }
  const fitting = remarks.filter(({ applies }) => applies(token))
  const texts = fitting.map(({ text }) => text)
  if (fitting.some(({ isFinal }) => isFinal)) {
    return { remarks: texts, settings: undefined, isNewEntry: false }
  }
  if (issuer) {
    const settings = orNone(suggestSettings(token, issuer))
    return { remarks: settings ? texts : [], settings, isNewEntry: false }
  }
  const { iss } = token.payload
  const similar = configured.find((name) => typeof iss === 'string' && differInSlash(name, iss))
  if (similar !== undefined) {
    const remark = `The entry of ${similar} is for another issuer: the slash at the end counts.`
    return { remarks: [remark, ...texts], settings: { issuer: iss }, isNewEntry: false }
  }
  return { remarks: texts, settings: suggestEntry(token), isNewEntry: true }
}

function orNone(settings: SuggestedSettings): SuggestedSettings | undefined {
  return Object.keys(settings).length > 0 ? settings : undefined
}

function differInSlash(one: string, other: string): boolean {
  return `${one}/` === other || one === `${other}/`
}
