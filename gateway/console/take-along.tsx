/** What one takes along of an operation: a link, and lines for other programs. */
import { messageOf } from './graph.ts'
import { fragmentOf } from './operation-link.ts'
import { snippetsOf } from './snippets.ts'
import { variablesIn } from './variables.ts'

export interface TakeAlongProps {
  readonly query: string
  readonly variables: string
  readonly url: URL
}

export function TakeAlong({ query, variables, url }: TakeAlongProps) {
  return (
    <details>
      <summary>Link and snippets</summary>
      <p>
        <a href={fragmentOf({ query, variables })}>Link to this operation</a>, without a credential
      </p>
      <Snippets query={query} variables={variables} url={url} />
    </details>
  )
}

function Snippets({ query, variables, url }: TakeAlongProps) {
  try {
    const snippets = snippetsOf({ query, variables: variablesIn(variables) }, url)
    return snippets.map(({ name, text }) => (
      <div key={name}>
        <h3>{name}</h3>
        <pre tabIndex={0} role="region" aria-label={name}>
          {text}
        </pre>
      </div>
    ))
  } catch (cause) {
    return <p class="problem">{messageOf(cause)}</p>
  }
}
