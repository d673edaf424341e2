/** `npm run config`: look at a configuration without starting a gateway. */
import { checkConfig, configJsonSchema, describeProblem } from '../gateway/config.ts'
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

const usage = `
Usage: npm run config -- schema
       npm run config -- check FILE [--format json]

schema        prints the JSON Schema of gateway.yaml, for editors
check FILE    says whether the file can be used, and lists everything that is wrong with it;
              exit code 1 when it cannot
  --format    text (default) or json
  --help      this text

\${env.NAME} is looked up in the environment of this command. No value from there is printed.
`

runCommand('config', async () => {
  const { positionals, values } = readCommandLine({
    usage,
    options: { format: { type: 'string', default: 'text' } },
    positionals: true,
  })
  const [command, file, ...more] = positionals
  if (command === 'schema' && file === undefined) {
    console.log(JSON.stringify(configJsonSchema(), null, 2))
    return 0
  }
  if (command === 'check' && file !== undefined && more.length === 0) {
    return check(file, values.format === 'json')
  }
  throw new StartFailure('say `schema`, or `check FILE`: see --help')
})

function check(file: string, asJson: boolean): number {
  const reading = checkConfig(file, process.env)
  const problems = reading.outcome === 'valid' ? [] : reading.problems
  if (asJson) {
    console.log(JSON.stringify({ file, valid: problems.length === 0, problems }, null, 2))
  } else if (problems.length === 0) {
    console.log(`${file} is valid`)
  } else {
    for (const problem of problems) console.error(`${file}: ${describeProblem(problem)}`)
  }
  return problems.length === 0 ? 0 : 1
}
