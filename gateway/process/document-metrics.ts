/** What is counted of known operations and automatic persisted queries. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Caller, DocumentUse } from '../client-request.ts'

/** How many clients have a label of their own: issuers decide how many there are. */
const mostClients = 100
/** The longest id that is a label, in characters. */
const longestClient = 100

/**
 * Registers the metric of how requests name their documents; returns what counts a request. A client is that of the
 * verified access token: what a request says of its client by itself would be no label.
 */
export function documentMetrics(
  registry: Registry,
): (use: DocumentUse, caller: Caller | undefined) => void {
  const documents = new Counter({
    name: 'portcullis_documents_total',
    help: 'Requests by how they name their document, and by the client of the access token',
    labelNames: ['document', 'client'],
    registers: [registry],
  })
  const clients = new Set<string>()

  return (document, caller) => documents.inc({ document, client: labelOf(caller) })

  function labelOf(caller: Caller | undefined): string {
    if (!caller?.claims) return 'anonymous'
    const { clientId } = caller
    if (clientId === undefined) return 'unknown'
    if (clients.has(clientId)) return clientId
    if (clients.size >= mostClients || clientId.length > longestClient) return 'other'
    clients.add(clientId)
    return clientId
  }
}
