import { z } from 'zod'
import { size, text } from './values.ts'

/** How the gateway is spoken to. */
export const httpSchema = z
  .strictObject({
    /** The protection space named in `WWW-Authenticate` (RFC 9110 section 11.5). */
    realm: text()
      .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII')
      .default('portcullis')
      .describe('The protection space named in WWW-Authenticate'),
    /** The largest request body that is read. */
    body_limit: size({ least: '1KB', most: '10MB' })
      .default(100 * 1024)
      .describe('The largest request body that is read'),
  })
  .prefault({})
  .transform(({ realm, body_limit }) => ({ realm, bodyLimit: body_limit }))
