/** `npm run explain-token`: reports how the gateway would judge a token, check by check. */
import { text as readText } from 'node:stream/consumers'
import { pino } from 'pino'
import { systemClock } from '../gateway/authentication/clock.ts'
import { apiKeyExchange } from '../gateway/authentication/exchange-api-key.ts'
import { explainToken } from '../gateway/authentication/explain-token.ts'
import type { TokenExplanation } from '../gateway/authentication/explain-token.ts'
import { documentFetcher } from '../gateway/authentication/fetch-document.ts'
import { trustedIssuers } from '../gateway/authentication/trusted-issuers.ts'
import { readConfig } from '../gateway/configuration/read-config.ts'
import { claimRules } from '../gateway/configuration/claims.ts'
import type { GatewayConfig } from '../gateway/configuration/gateway-config.ts'
import { adviseOnToken } from '../gateway/configuration/token-advice.ts'
import type { TokenAdvice } from '../gateway/configuration/token-advice.ts'
import { errorTable } from '../gateway/errors.ts'
import { shippedConfig } from '../gateway/configuration/shipped-config.ts'
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { tokenReport } from './explain-token/token-report.ts'

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
  const configured = config.authentication.issuers.map(({ issuer }) => issuer)
  const advice = adviseOnToken(token, explanation, configured)
  if (format === 'json') console.log(JSON.stringify(asJson(explanation, trouble, advice), null, 2))
  else console.log(tokenReport(explanation, trouble, advice))
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

function asJson(
  { decision, checks, token, claims }: TokenExplanation,
  trouble: readonly string[],
  { remarks, settings }: TokenAdvice,
) {
  return { decision, checks, trouble, payload: token?.payload, claims, remarks, settings }
}
