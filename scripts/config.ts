/** `npm run config`: checks a configuration without starting a gateway. */
import { issuerWarnings } from '../gateway/authentication/issuer-warnings.ts'
import { claimRules } from '../gateway/configuration/claims.ts'
import { configJsonSchema } from '../gateway/configuration/config-json-schema.ts'
import { describeProblem } from '../gateway/configuration/config-problem.ts'
import type { GatewayConfig } from '../gateway/configuration/gateway-config.ts'
import { headerWarnings } from '../gateway/configuration/given-headers.ts'
import { checkConfig, configInFull } from '../gateway/configuration/read-config.ts'
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

const usage = `
Usage: ${productCommand('config', 'schema')}
       ${productCommand('config', 'check FILE [--format json]')}
       ${productCommand('config', 'show FILE')}

schema        prints the JSON Schema of gateway.yaml, for editors
check FILE    reports whether the file can be used, and lists everything that is wrong with it,
              former names of keys, and settings that are rarely intended; exit code 1 when the
              file cannot be used
show FILE     prints the file with current names of keys and the settings of each preset in full
  --format    text (default) or json
  --help      prints this text

\${env.NAME} is looked up in the environment of this command. No value from there is printed.
`

runCommand('config', async () => {
  const { positionals, values } = readCommandLine({
    usage,
    options: { format: { type: 'string' } },
    positionals: true,
  })
  const [command, file, ...more] = positionals
  const format = choiceOption('--format', values.format ?? 'text', ['text', 'json'])
  if (command === 'schema' && file === undefined && values.format === undefined) {
    console.log(JSON.stringify(configJsonSchema(), null, 2))
    return 0
  }
  if (command === 'check' && file !== undefined && more.length === 0) {
    return check(file, format === 'json')
  }
  if (command === 'show' && file !== undefined && more.length === 0 && !values.format) {
    process.stdout.write(configInFull(file))
    return 0
  }
  throw new StartFailure(
    'give `schema`, `show FILE`, or `check FILE` with or without --format: see --help',
  )
})

function check(file: string, asJson: boolean): number {
  const reading = checkConfig(file, process.env)
  const problems = reading.outcome === 'valid' ? [] : reading.problems
  const warnings = [
    ...reading.warnings.map(describeProblem),
    ...(reading.outcome === 'valid' ? warningsAbout(reading.config) : []),
  ]
  const valid = reading.outcome === 'valid'
  if (asJson) {
    console.log(JSON.stringify({ file, valid, problems, warnings }, null, 2))
  } else {
    if (valid) console.log(`${file} is valid`)
    for (const problem of problems) console.error(`${file}: ${describeProblem(problem)}`)
    for (const warning of warnings) console.error(`${file}: warning: ${warning}`)
  }
  return valid ? 0 : 1
}

function warningsAbout(config: GatewayConfig): string[] {
  const { authentication, claims } = config
  const warnings = issuerWarnings(authentication.issuers, claimRules(claims)).map(
    ({ issuers, message }) => `${issuers.join(', ')}: ${message}`,
  )
  return [...warnings, ...headerWarnings(config)]
}
