/** The report of a composition: text for terminals, or one line of JSON for scripts. */
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { counted } from './counted.ts'
import { describeProblem, displayPath, withDisplayPaths } from './problem.ts'
import type { Hint, Problem } from './problem.ts'

export interface Report {
  readonly outcome: 'composed' | 'unchanged' | 'current' | 'not current' | 'failed'
  /** The file of the supergraph. */
  readonly output: string
  readonly subgraphs: readonly string[]
  readonly hints: readonly Hint[]
  readonly errors: readonly Problem[]
  /** The signature beside the file, where it was written or verified. */
  readonly signature?: Signature
}

export interface Signature {
  readonly file: string
  /** The id of the key. */
  readonly key: string
  readonly serial: number
}

export type ReportFormat = 'text' | 'json'

/** Returns the exit code for a report. */
export function exitCodeOf({ outcome }: Report): number {
  return outcome === 'failed' || outcome === 'not current' ? 1 : 0
}

/** Prints the report: JSON to stdout; text to stdout after a success, otherwise to stderr. */
export function printReport(report: Report, format: ReportFormat): void {
  if (format === 'json') return console.log(JSON.stringify(forScripts(report)))
  for (const hint of report.hints) console.error(describeProblem('hint', hint))
  for (const error of report.errors) console.error(describeProblem('error', error))
  const print = exitCodeOf(report) === 0 ? console.log : console.error
  print(sentence(report))
}

function sentence({ outcome, output, subgraphs, errors, signature }: Report): string {
  const file = displayPath(output)
  const of = `${counted(subgraphs.length, 'subgraph')}: ${subgraphs.join(', ')}`
  const sentences: Record<Report['outcome'], string> = {
    composed: `${file} is composed of ${of}`,
    unchanged: `${file} is unchanged, composed of ${of}`,
    current: `${file} is current, composed of ${of}`,
    'not current': `${file} is not current: run \`${productCommand('compose')}\``,
    failed: `${counted(errors.length, 'error')}: ${file} is left as it was`,
  }
  const suffix = signature ? `; signed with ${signature.key}, serial ${signature.serial}` : ''
  return sentences[outcome] + suffix
}

function forScripts(report: Report): Report {
  const { signature } = report
  return {
    ...report,
    output: displayPath(report.output),
    ...(signature ? { signature: { ...signature, file: displayPath(signature.file) } } : {}),
    hints: report.hints.map(withDisplayPaths),
    errors: report.errors.map(withDisplayPaths),
  }
}
