/** The decision: what each identity gets of each field, by which guard, and what is missing. */
import { decisionIn, decisionRows, missingInWords, placeOf } from './decision.ts'
import type { FieldDecision, Requirement } from './decision.ts'
import type { Exchange } from './graph.ts'
import { DataTable } from './data-table.tsx'

/** What an identity got for the operation. */
export interface IdentityRun {
  readonly name: string
  readonly exchange: Exchange
}

/** The part "Decision": one column for each identity that has run the operation. */
export function Decision({ runs }: { runs: readonly IdentityRun[] }) {
  const explained = runs.flatMap(({ name, exchange }) => {
    const fields = decisionIn(exchange.result)
    return fields ? [{ name, fields }] : []
  })
  const unexplained = runs.filter(({ exchange }) => !decisionIn(exchange.result))
  const rows = decisionRows(explained.map(({ fields }) => fields))
  return (
    <section class="decision" aria-labelledby="decision">
      <h2 id="decision">Decision</h2>
      {runs.length === 0 && (
        <p class="hint">Run the operation to see who gets which field, and why.</p>
      )}
      {unexplained.map(({ name, exchange }) => (
        <p key={name} class="hint">
          {name}: {whyUnexplained(exchange)}
        </p>
      ))}
      {rows.length > 0 && (
        <DataTable
          label="Decision about each field"
          columns={['Field', ...explained.map(({ name }) => name)]}
        >
          {rows.map(({ path, coordinate, fields, differs }) => (
            <tr key={path.join('.')} class={differs ? 'differs' : undefined}>
              <th scope="row">
                <code>{path.join('.')}</code>
                <small>{coordinate}</small>
                {differs && <small class="difference">differs</small>}
              </th>
              {fields.map((field, index) => (
                <td key={explained[index]!.name}>{field && <Cell field={field} />}</td>
              ))}
            </tr>
          ))}
        </DataTable>
      )}
    </section>
  )
}

const marks = { allowed: '✓', denied: '✗', 'not reached': '–' } as const

function Cell({ field: { decision, requirements, missing } }: { field: FieldDecision }) {
  const lacks = decision === 'denied' && missing ? missingInWords(missing) : ''
  return (
    <>
      <p class={`verdict ${decision.replace(' ', '-')}`}>
        <span aria-hidden="true">{marks[decision]}</span> {decision}
        {lacks && `: needs ${lacks}`}
      </p>
      {decision !== 'not reached' && requirements.length > 0 && (
        <ul>
          {requirements.map((requirement) => (
            <li key={`${requirement.directive} ${requirement.at}`}>
              <Guard requirement={requirement} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Guard({ requirement }: { requirement: Requirement }) {
  const { directive, met, because, at, declaredIn } = requirement
  return (
    <>
      <span class={met ? 'met' : 'unmet'}>{met ? 'meets' : 'lacks'}</span> <code>{directive}</code>{' '}
      on <code>{at}</code> <small>({because})</small>
      {declaredIn.map((declaration) => (
        <small key={placeOf(declaration)} class="place">
          {placeOf(declaration)}
        </small>
      ))}
    </>
  )
}

function whyUnexplained({ status, result }: Exchange): string {
  const [error] = result.errors ?? []
  const reason = error?.extensions?.['reason']
  if (error && result.data === undefined) {
    return `nothing was decided. ${error.message}${typeof reason === 'string' ? ` (${reason})` : ''}`
  }
  return status === 0
    ? 'there was no response.'
    : 'decisions are explained only to callers with the scope of "console" in gateway.yaml.'
}
