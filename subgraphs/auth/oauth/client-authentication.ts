/** Client authentication (RFC 6749 section 2.3.1). */
import type { Request } from 'express'
import type { Client, Clients } from '../machines/clients.ts'
import type { Form } from './form-endpoint.ts'
import { OAuthError } from './oauth-error.ts'

interface ClientCredentials {
  id: string
  secret: string
}

/** Returns the client; throws an `invalid_client` error for none, for two, and for a wrong secret. */
export async function authenticateClient(
  request: Request,
  form: Form,
  clients: Clients,
): Promise<Client> {
  const fromHeader = readBasic(request.headers.authorization)
  const fromForm = readFromForm(form)
  if (fromHeader && form.has('client_secret')) {
    throw new OAuthError('invalid_request', 'Use only one method of client authentication')
  }
  const credentials = fromHeader ?? fromForm
  const client = credentials && (await clients.authenticate(credentials.id, credentials.secret))
  if (!client) throw new OAuthError('invalid_client', 'Unknown client, or wrong secret')
  return client
}

function readFromForm(form: Form): ClientCredentials | undefined {
  const id = form.get('client_id')
  const secret = form.get('client_secret')
  return id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** Both parts are form-encoded before they are concatenated. */
function readBasic(header: string | undefined): ClientCredentials | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  try {
    return { id: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) }
  } catch {
    return undefined
  }
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
