/** The judgement of an API key: that of the access token that it is exchanged for. */
import type { ApiKeys, ExchangedKey } from './exchange-api-key.ts'
import { andThen } from './judgement.ts'
import type { Judgement, NowOrLater, Refused } from './judgement.ts'
import { accessTokenColumns } from './token-refused.ts'

export interface JudgeApiKeyParts {
  apiKeys: ApiKeys
  judgeAccessToken: (accessToken: string) => NowOrLater<Judgement>
}

type GrantedToken = Extract<ExchangedKey, { outcome: 'granted' }>
type FailedExchange = Exclude<ExchangedKey, GrantedToken>

/** Returns the judgement of an API key, now where its access token is remembered. */
export function judgeApiKey(key: string, parts: JudgeApiKeyParts): NowOrLater<Judgement> {
  return andThen(parts.apiKeys.exchange(key), (exchanged) => {
    if (exchanged.outcome !== 'granted') return refusedExchange(exchanged)
    return andThen(parts.judgeAccessToken(exchanged.accessToken), (judgement) =>
      hasEnded(judgement) ? judgeRenewed(key, exchanged, judgement, parts) : judgement,
    )
  })
}

/** The access token has ended, but the key may still be good: only a new token shows which. */
async function judgeRenewed(
  key: string,
  { accessToken, fresh }: GrantedToken,
  ended: Refused,
  { apiKeys, judgeAccessToken }: JudgeApiKeyParts,
): Promise<Judgement> {
  if (fresh) return refuseKey(key, ended, apiKeys)
  const exchanged = await apiKeys.exchangeAnew(key, accessToken)
  if (exchanged.outcome !== 'granted') return refusedExchange(exchanged)
  const judgement = await judgeAccessToken(exchanged.accessToken)
  return hasEnded(judgement) ? refuseKey(key, judgement, apiKeys) : judgement
}

function hasEnded(judgement: Judgement): judgement is Refused {
  return judgement.outcome === 'refused' && !!accessTokenColumns(judgement.reason)?.renewed
}

/** Not even a new access token for the key is accepted. */
function refuseKey(key: string, refused: Refused, apiKeys: ApiKeys): Refused {
  const cause = new Error(`a new access token for it: ${refused.reason}`)
  apiKeys.refuse(key, cause)
  return { ...refused, reason: 'API_KEY_REFUSED', cause }
}

/** Returns the judgement of a key for which there is no access token. */
export function refusedExchange({ outcome, cause }: FailedExchange): Refused {
  const reason = outcome === 'refused' ? 'API_KEY_REFUSED' : 'API_KEYS_UNAVAILABLE'
  return { outcome: 'refused', reason, cause }
}
