import { parse, print } from 'graphql'
import type { ExplainedFetch, ExplainedStep } from '../../gateway/execution/explain-plan.ts'

/** Returns the lines for a terminal: steps that are executed one after the other are numbered. */
export function planText(plan: ExplainedStep | null): string[] {
  if (!plan) return ['Plan: no subgraph is asked.']
  return ['Plan:', '', ...stepText(plan)]
}

function stepText(step: ExplainedStep): string[] {
  switch (step.kind) {
    case 'Fetch':
      return fetchText(step)
    case 'Sequence':
      return step.steps.flatMap((one, at) => item(`${at + 1}. `, stepText(one)))
    case 'Parallel':
      return ['at the same time:', ...step.steps.flatMap((one) => item('- ', stepText(one)))]
    case 'Condition': {
      const { variable, then, otherwise } = step
      return [
        ...(then ? [`if $${variable} is true:`, ...item('  ', stepText(then))] : []),
        ...(otherwise ? [`if $${variable} is false:`, ...item('  ', stepText(otherwise))] : []),
      ]
    }
  }
}

function fetchText(fetch: ExplainedFetch): string[] {
  const { subgraph, path, representations, operation, isBatched } = fetch
  const place = path.length > 0 ? `, for ${path.join('.')}` : ''
  const joins = representations.map(({ type, fields }) => `${type} by ${fields}`).join(', ')
  return [
    `${subgraph}${place}${joins && `, each ${joins}`}${isBatched ? ', in one request with its siblings' : ''}:`,
    ...item('  ', print(parse(operation)).split('\n')),
  ]
}

/** Returns lines of which the first one has a mark, and the others are below it. */
function item(mark: string, lines: readonly string[]): string[] {
  return lines.map((line, at) => `${at === 0 ? mark : ' '.repeat(mark.length)}${line}`.trimEnd())
}
