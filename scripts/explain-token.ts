/** `npm run explain-token`: reports how the gateway would judge a token, check by check. */
import { text as readText } from 'node:stream/consumers'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { systemClock } from '../gateway/authentication/clock.ts'
import { apiKeyExchange } from '../gateway/authentication/exchange-api-key.ts'
import { explainToken } from '../gateway/authentication/explain-token.ts'
import type { TokenExplanation } from '../gateway/authentication/explain-token.ts'
import { documentFetcher } from '../gateway/authentication/fetch-document.ts'
import { looksLikeJwt } from '../gateway/authentication/known-issuers.ts'
import { trustedIssuers } from '../gateway/authentication/trusted-issuers.ts'
import { readConfig } from '../gateway/configuration/read-config.ts'
import { claimRules } from '../gateway/configuration/claims.ts'
import {
  suggestEntry,
  suggestIntrospection,
  suggestSettings,
} from '../gateway/configuration/suggest-settings.ts'
import type { SuggestedSettings } from '../gateway/configuration/suggest-settings.ts'
import type { GatewayConfig } from '../gateway/configuration/gateway-config.ts'
import { errorTable } from '../gateway/errors.ts'
import { shippedConfig } from '../gateway/configuration/shipped-config.ts'
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

const usage = `
Usage: ${productCommand('explain-token', '[TOKEN] [--config FILE] [--format json]')}

Reports, check by check, how the gateway would judge an access token and why. Without TOKEN it is
read from standard input, where no list of processes and no history of the shell shows it. An API key is
exchanged for its access token first, as the gateway does.

  --config FILE   the gateway's configuration (default: the shipped one)
  --format        text (default) or json
  --help          prints this text

Exit code: 0 if the token is accepted, 1 otherwise.
`

runCommand('explain-token', async () => {
  const { values, positionals } = readCommandLine({
    usage,
    options: {
      config: { type: 'string' },
      format: { type: 'string', default: 'text' },
    },
    positionals: true,
  })
  const format = choiceOption('--format', values.format, ['text', 'json'])
  const given = positionals.length > 0 ? positionals.join(' ') : await readText(process.stdin)
  const token = given.trim().replace(/^Bearer(\s+|$)/i, '')
  if (token === '')
    throw new StartFailure('the token is missing: give it as an argument, or on standard input')
  if (/\s/.test(token)) throw new StartFailure('there is white space in the token: give one token')

  const config = readConfig(values.config ?? shippedConfig(), process.env)
  const { explanation, trouble } = await explain(await accessTokenFor(token, config), config)
  const settings = settingsFor(token, explanation)
  if (format === 'json')
    console.log(JSON.stringify(asJson(explanation, trouble, settings), null, 2))
  else console.log(asText(explanation, trouble, settings))
  return explanation.decision === 'accepted' ? 0 : 1
})

/** Returns the credential itself, unless it is an API key. */
async function accessTokenFor(credential: string, { authentication }: GatewayConfig) {
  const options = authentication.apiKeys
  if (!options || !credential.startsWith(options.prefix)) return credential
  const log = pino({ enabled: false })
  const apiKeys = apiKeyExchange(options, { clock: systemClock, log, exchanged: () => {} })
  const exchanged = await apiKeys.exchange(credential)
  await apiKeys.close()
  if (exchanged.outcome === 'granted') return exchanged.accessToken
  const { message } =
    errorTable[exchanged.outcome === 'refused' ? 'API_KEY_REFUSED' : 'API_KEYS_UNAVAILABLE']
  throw new StartFailure(`${message} (${exchanged.cause.message})`, { cause: exchanged.cause })
}

async function explain(token: string, { authentication, claims }: GatewayConfig) {
  const trouble: string[] = []
  const log = pino(
    { level: 'warn' },
    {
      write(line: string) {
        const { issuer, uri, cause, why, keyId, msg } = JSON.parse(line)
        trouble.push([msg, issuer ?? uri, keyId, cause ?? why].filter(Boolean).join(': '))
      },
    },
  )
  const { fetch, close } = documentFetcher()
  const issuers = trustedIssuers(authentication.issuers, {
    claims: claimRules(claims),
    fetch,
    clock: systemClock,
    log,
    onKeysChanged: () => {},
  })
  try {
    const parts = { issuers, clock: systemClock }
    return { explanation: await explainToken(token, parts), trouble }
  } finally {
    await Promise.all([issuers.close(), close()])
  }
}

/** Returns the settings that would have to change, of the entry of the issuer or as a new entry. */
function settingsFor(
  text: string,
  { token, issuer }: TokenExplanation,
): SuggestedSettings | undefined {
  if (!token) return looksLikeJwt(text) ? undefined : suggestIntrospection()
  const settings = issuer ? suggestSettings(token, issuer) : suggestEntry(token)
  return settings && Object.keys(settings).length > 0 ? settings : undefined
}

const marks = { passed: 'ok', failed: 'NO', 'not looked at': '--' } as const

function asText(
  explanation: TokenExplanation,
  trouble: readonly string[],
  settings: SuggestedSettings | undefined,
): string {
  const { checks, decision, token, claims } = explanation
  const rows = checks.map(({ check, verdict, reason, detail }) =>
    `  ${marks[verdict]}  ${check.padEnd(18)} ${reason ? `${reason}: ` : ''}${detail}`.trimEnd(),
  )
  return [
    ...rows,
    ...trouble.map((line) => `  !!  ${line}`),
    '',
    ...(token ? [`The token says   ${JSON.stringify(token.payload)}`] : []),
    ...(claims ? [`Known as         ${JSON.stringify(claims)}`] : []),
    `Decision         ${decisionText(decision)}`,
    ...(settings
      ? [
          '',
          'An entry of authentication.issuers for such tokens has, if they are meant for this gateway:',
          indented(settings),
        ]
      : []),
  ].join('\n')
}

function indented(settings: SuggestedSettings): string {
  return stringify(settings).trimEnd().replaceAll(/^/gm, '  ')
}

function decisionText(decision: TokenExplanation['decision']): string {
  if (decision === 'accepted') return 'accepted'
  const { status, code, message } = errorTable[decision]
  return `refused with ${status} ${code}, ${decision}: ${message}`
}

function asJson(
  explanation: TokenExplanation,
  trouble: readonly string[],
  settings: SuggestedSettings | undefined,
) {
  const { decision, checks, token, claims } = explanation
  return { decision, checks, trouble, payload: token?.payload, claims, settings }
}
