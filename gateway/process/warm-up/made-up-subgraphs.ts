import type { RequestListener } from 'node:http'
import type { DocumentNode } from 'graphql'
import { madeUpResponses } from '../../supergraph/made-up-responses.ts'
import { remembered } from '../../values/remembered.ts'

/** Returns a listener that is every subgraph of a supergraph: its responses have the right form, and no meaning. */
export function madeUpSubgraphs(supergraph: DocumentNode): RequestListener {
  const respond = madeUpResponses(supergraph)
  const known = new Map<string, string>()

  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = remembered(known, Buffer.concat(chunks).toString(), respond)
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      })
      response.end(text)
    })
  }
}
