/** `npm run compose`: composes the subgraphs of supergraph.yaml into supergraph.graphql. */
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { compareWithFile, composeToFile } from './compose/compose-to-file.ts'
import { keepComposed } from './compose/keep-composed.ts'
import { exitCodeOf, printReport } from './compose/report.ts'
import type { ReportFormat } from './compose/report.ts'
import { readSigner, readVerificationKeys } from './compose/sign-supergraph.ts'

const usage = `
Usage: ${productCommand('compose', '[options]')}

Composes the subgraphs of supergraph.yaml into supergraph.graphql, which a running gateway loads by
itself. After an error the file is not changed.

  --config FILE     the list of subgraphs, in the format of rover (default: supergraph.yaml)
  --output FILE     where the supergraph goes (default: supergraph.graphql)
  --sign KEY        signs the supergraph with the private key in this file, a JWK or PEM (Ed25519 or P-256),
                    and writes the signature to FILE.jws; \`${productCommand('keys', 'supergraph-key')}\` makes a key
  --check           writes nothing; reports whether the file is up to date
  --keys FILE       with --check: also verifies the signature with the public keys in this JWK Set
  --watch           composes again whenever a file or the schema of a running subgraph changes
  --format FORMAT   text, or json: one line of JSON each time (default: text)
  --help            prints this text

Exit code: 0 when composed, or current with --check; 1 otherwise.
\${env.NAME} and \${env.NAME:-default} in supergraph.yaml are read from the environment. A request for the
schema of a running subgraph (subgraph_url) has a claims header, signed with GATEWAY_SECRET(_FILE) or, in
development, with the secret in DATA_DIR.
`

runCommand('compose', async () => {
  const { values } = readCommandLine({
    usage,
    options: {
      config: { type: 'string', default: 'supergraph.yaml' },
      output: { type: 'string', default: 'supergraph.graphql' },
      sign: { type: 'string' },
      keys: { type: 'string' },
      check: { type: 'boolean', default: false },
      watch: { type: 'boolean', default: false },
      format: { type: 'string', default: 'text' },
    },
  })
  const format = choiceOption('--format', values.format, ['text', 'json'])
  if (values.check && values.watch) throw new StartFailure('--check and --watch cannot be combined')
  if (values.check && values.sign) {
    throw new StartFailure('--check and --sign cannot be combined: verify with --keys')
  }
  if (values.keys && !values.check) throw new StartFailure('--keys needs --check: see --help')
  const options = {
    config: values.config,
    output: values.output,
    environment: process.env,
    signer: values.sign === undefined ? undefined : await readSigner(values.sign),
    keys: values.keys === undefined ? undefined : readVerificationKeys(values.keys),
  }
  if (values.watch) return watch(options, format)

  const { report } = await (values.check ? compareWithFile(options) : composeToFile(options))
  printReport(report, format)
  return exitCodeOf(report)
})

type Options = Parameters<typeof composeToFile>[0]

/** Returns when the process gets a signal to stop. */
async function watch(options: Options, format: ReportFormat): Promise<void> {
  const stop = await keepComposed({
    ...options,
    onReport: (report) => printReport(report, format),
    onFailure: (line) =>
      format === 'json'
        ? console.log(JSON.stringify({ outcome: 'failed', errors: [{ message: line }] }))
        : console.error(`compose: ${line}`),
  })
  if (format === 'text') console.log('watching for changes; Ctrl-C ends it')
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  stop()
}
