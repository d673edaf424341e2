/** The explanation of a token as text for an operator. */
import { Document, isScalar, visit } from 'yaml'
import type { TokenExplanation } from '../../gateway/authentication/explain-token.ts'
import type { SuggestedSettings } from '../../gateway/configuration/suggest-settings.ts'
import type { TokenAdvice } from '../../gateway/configuration/token-advice.ts'
import { errorTable } from '../../gateway/errors.ts'

const marks = { passed: 'ok', failed: 'NO', 'not looked at': '--' } as const

/**
 * Returns the text: each check, what the token says, the decision, and what to do.
 *
 * @param trouble what was logged meanwhile, such as keys that could not be fetched
 */
export function tokenReport(
  { checks, decision, token, claims }: TokenExplanation,
  trouble: readonly string[],
  { remarks, settings, isNewEntry }: TokenAdvice,
): string {
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
    ...(remarks.length > 0 ? ['', ...remarks] : []),
    ...(settings ? ['', suggestion(settings, isNewEntry)] : []),
  ].join('\n')
}

function decisionText(decision: TokenExplanation['decision']): string {
  if (decision === 'accepted') return 'accepted'
  const { status, code, message } = errorTable[decision]
  return `refused with ${status} ${code}, ${decision}: ${message}`
}

function suggestion(settings: SuggestedSettings, isNewEntry: boolean): string {
  const title = isNewEntry
    ? 'If such tokens are meant for this gateway, add an entry to its configuration:'
    : 'If such tokens are meant for this gateway, the entry of their issuer needs:'
  const content = isNewEntry ? { authentication: { issuers: [settings] } } : settings
  return `${title}\n\n${yamlOf(content).trimEnd().replaceAll(/^/gm, '  ')}`
}

/** Lists of texts are on one line, as in the documentation. */
function yamlOf(content: object): string {
  const document = new Document(content)
  visit(document, {
    Seq(_key, list) {
      list.flow = list.items.every(isScalar)
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}
