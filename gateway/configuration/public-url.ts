/** The addresses at which clients and developers find the gateway. */
import { z } from 'zod'
import { isThisMachine } from '../authentication/issuer-url.ts'
import { address, flag, text } from './values.ts'

/** `http.public_url`: what clients call the gateway, however many proxies are between them. */
export const publicUrlSchema = z
  .string('expected a URL')
  .superRefine((text, context) => {
    const message = faultOf(text)
    if (message) context.addIssue({ code: 'custom', message })
  })
  .describe(
    'The URL to which clients send operations. With it, they find out from the gateway where to get access tokens (RFC 9728)',
  )

/** Clients compare it with the URL that they use, character by character (RFC 9728 section 3.3). */
function faultOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    return 'expected a URL such as https://api.example.com/graphql'
  }
  if (url.username || url.password) return 'must not hold credentials: every client gets to see it'
  if (/[?#]/.test(text)) return 'must not have a query or a fragment'
  if (url.protocol === 'http:' && !isThisMachine(url.hostname)) {
    return 'expected https, or an address of this machine'
  }
  if (![text, `${text}/`].includes(url.href))
    return `is not in its canonical form: write ${url.href}`
  return undefined
}

/** `http.resource_metadata`: what the metadata say beside what follows from other settings. */
export const resourceMetadataSchema = z
  .strictObject({
    name: text().optional().describe('The name of the API, for people'),
    documentation: address()
      .refine((url) => /^https?:/.test(url), { message: 'expected an http or https URL' })
      .optional()
      .describe('The URL of a page for developers'),
    scopes: flag()
      .optional()
      .describe(
        'Whether the scopes of all @requiresScopes are listed; left out: as authorization.show_requirements says',
      ),
  })
  .prefault({})
