/** `npm run check`: finds unguarded paths, probable typos and removed fields or guards in the supergraph. */
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { checkSupergraph } from './check/check-supergraph.ts'
import type { CheckReport } from './check/check-supergraph.ts'
import type { CheckedOperation } from './check/check-operations.ts'
import { runCommand } from './command.ts'
import { counted } from './compose/counted.ts'
import { describeProblem, withDisplayPaths } from './compose/problem.ts'
import { readUsage } from './check/read-usage.ts'
import type { RecordedUsage } from './check/read-usage.ts'
import type { UsageOptions } from './check/schema-changes.ts'
import { readVerificationKeys } from './compose/sign-supergraph.ts'

const usage = `
Usage: ${productCommand('check', '[options]')}

Composes, writes nothing, and finds problems that composition accepts:

  MUTATION_UNGUARDED       a root mutation that is neither guarded nor marked @public
  SCOPE_TYPO, POLICY_TYPO  a name that occurs once and looks like another one mistyped
  GUARDED_TYPE_REACHABLE   a path on which any caller reaches a type that is guarded elsewhere
  GUARD_REMOVED            a field that demanded more in the last supergraph (a warning if it is @public now)
  and breaking changes since the last supergraph; dangerous ones are warnings

With the known operations of clients (--operations):

  OPERATION_BROKEN         an operation that is no longer valid (a warning, OPERATION_INVALID, if it was not before)
  OPERATION_REQUIRES_MORE  an operation that requires more of callers than in the last supergraph

  --config FILE          the list of subgraphs (default: supergraph.yaml)
  --keys FILE            a JWK Set of public keys, of which one must have signed the last supergraph
  --last FILE            the last supergraph (default: supergraph.graphql, if it is there)
  --accept FILE          scopes and policies that are not typos, as YAML: SCOPE_TYPO: [a, b]
                         (default: accepted.yaml, if it is there)
  --usage FILE|URL       what GET /usage on a gateway's metrics port responds: each breaking change says which
                         clients it breaks; several add up, such as one for each day and gateway
  --allow-unused         a breaking change is only a warning if no client uses what it breaks (needs --usage)
  --operations FILE      a manifest of known operations; may be repeated
  --allow-new-requirements
                         OPERATION_REQUIRES_MORE is only a warning (needs --operations)
  --supergraph FILE      checks this supergraph, which is composed already
  --default allow|deny   as authorization.default in gateway.yaml (default: allow)
  --format text|json     (default: text)
  --help                 prints this text

Exit code: 1 when there is an error; 0 otherwise, whatever the warnings.
`

runCommand('check', async () => {
  const { values } = readCommandLine({
    usage,
    options: {
      config: { type: 'string', default: 'supergraph.yaml' },
      last: { type: 'string' },
      keys: { type: 'string' },
      accept: { type: 'string' },
      usage: { type: 'string', multiple: true },
      'allow-unused': { type: 'boolean', default: false },
      operations: { type: 'string', multiple: true },
      'allow-new-requirements': { type: 'boolean', default: false },
      supergraph: { type: 'string' },
      default: { type: 'string', default: 'allow' },
      format: { type: 'string', default: 'text' },
    },
  })
  const format = choiceOption('--format', values.format, ['text', 'json'])
  const last = values.last ?? 'supergraph.graphql'
  const allowNewRequirements = values['allow-new-requirements']
  if (allowNewRequirements && !values.operations) {
    throw new StartFailure('--allow-new-requirements needs --operations FILE')
  }
  const clientUsage = await usageOptions(values.usage ?? [], values['allow-unused'])
  const report = await checkSupergraph({
    config: values.config,
    last,
    lastIsRequired: values.last !== undefined,
    keys: values.keys === undefined ? undefined : readVerificationKeys(values.keys),
    accept: {
      path: values.accept ?? 'accepted.yaml',
      isRequired: values.accept !== undefined,
    },
    usage: clientUsage,
    supergraph: values.supergraph,
    operations: values.operations,
    allowNewRequirements,
    default: choiceOption('--default', values.default, ['allow', 'deny']),
    environment: process.env,
  })
  if (format === 'json') printJson(report, clientUsage)
  else printText(report, last, clientUsage)
  return failed(report) ? 1 : 0
})

function failed({ findings }: CheckReport): boolean {
  return findings.some(({ severity }) => severity === 'error')
}

async function usageOptions(
  sources: readonly string[],
  allowUnused: boolean,
): Promise<UsageOptions | undefined> {
  if (sources.length > 0) return { recorded: await readUsage(sources), allowUnused }
  if (allowUnused)
    throw new StartFailure('--allow-unused needs what clients use: give --usage FILE')
  return undefined
}

function printText(report: CheckReport, last: string, usage: UsageOptions | undefined): void {
  const { findings, hints, compared, operations } = report
  for (const hint of hints) console.error(describeProblem('hint', hint))
  for (const finding of findings) console.error(describeProblem(finding.severity, finding))
  if (!compared) console.log(`there is no ${last}: changes were not checked`)
  if (usage) console.log(describeRecorded(usage.recorded))
  if (operations) console.log(describeOperations(operations))
  const count = (severity: string) =>
    counted(findings.filter((each) => each.severity === severity).length, severity)
  console.log(`${count('error')}, ${count('warning')}`)
}

function describeRecorded({ since, until, requests, isComplete }: RecordedUsage): string {
  const period = `from ${since} to ${until}`
  const isKnown = isComplete && requests > 0
  const fault = `it is ${isComplete ? 'empty' : 'not complete'}, so nothing is known to be unused`
  return `usage of ${requests.toLocaleString('en')} requests ${period}${isKnown ? '' : `: ${fault}`}`
}

/** The costs are those without variables: most expensive first. */
function describeOperations(operations: readonly CheckedOperation[]): string {
  const valid = operations.filter(({ outcome }) => outcome === 'valid')
  const costs = valid
    .flatMap(({ name, id, cost }) => (cost === undefined ? [] : [{ name: name ?? id, cost }]))
    .sort((one, other) => other.cost - one.cost)
    .map(({ name, cost }) => `\n  cost ${cost}: ${name}`)
  return `${counted(operations.length, 'operation')}, ${valid.length} valid${costs.join('')}`
}

function printJson(report: CheckReport, usage: UsageOptions | undefined): void {
  const findings = report.findings.map(withDisplayPaths)
  const hints = report.hints.map(withDisplayPaths)
  const { since, until, requests, isComplete: complete } = usage?.recorded ?? {}
  const recorded = usage && { since, until, requests, complete }
  const passed = !failed(report)
  console.log(JSON.stringify({ passed, ...report, findings, hints, usage: recorded }))
}
