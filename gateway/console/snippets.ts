/** An operation as other programs send it. No snippet has a credential: `$TOKEN` stands for it. */
import type { Operation } from './graph.ts'

export interface Snippet {
  readonly name: string
  readonly text: string
}

/** Returns the operation for a terminal, for a page and for Apollo Client. */
export function snippetsOf({ query, variables }: Operation, url: URL): readonly Snippet[] {
  const body = JSON.stringify({ query, variables })
  const values = variables === undefined ? '' : `, variables: ${JSON.stringify(variables)}`
  const run = /^\s*mutation\b/.test(query) ? 'mutate({ mutation' : 'query({ query'
  return [
    {
      name: 'curl',
      text: [
        `curl ${inShell(url.href)}`,
        "-H 'content-type: application/json'",
        '-H "authorization: Bearer $TOKEN"',
        `-d ${inShell(body)}`,
      ].join(' \\\n  '),
    },
    {
      name: 'fetch',
      text: `const response = await fetch(${JSON.stringify(url.href)}, {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: \`Bearer \${token}\` },
  body: JSON.stringify({ query: ${inTemplate(query)}${values} }),
})
const { data, errors } = await response.json()`,
    },
    {
      name: 'Apollo Client',
      text: `const { data } = await client.${run}: gql${inTemplate(query)}${values} })`,
    },
  ]
}

/** Nothing in single quotes has a meaning for a shell but the next single quote. */
function inShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function inTemplate(text: string): string {
  return `\`${text.replaceAll(/[\\`]|\$(?=\{)/g, '\\$&')}\``
}
