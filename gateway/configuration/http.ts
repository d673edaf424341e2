import { z } from 'zod'
import { duration, flag, size, text, wholeNumber } from './values.ts'

/** Browser pages of other origins that may use the gateway (the Fetch standard's CORS protocol). */
const corsSchema = z
  .strictObject({
    origins: z
      .union([z.literal('*'), z.array(z.string().refine(isOrigin, 'expected an origin'))])
      .describe("Such as https://app.example.com; '*' for every page, without credentials"),
    credentials: flag().default(false).describe('Whether cookies come along'),
  })
  .refine(({ origins, credentials }) => !(origins === '*' && credentials), {
    path: ['credentials'],
    message: "cannot be true while origins is '*': any page could act for whoever is logged in",
  })

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

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
    deadline: duration({ least: '100ms', most: '10m' })
      .default(30_000)
      .describe('The longest that an answer may take: what is missing then is an error'),
    cors: corsSchema.optional(),
    trusted_proxies: z
      .union([wholeNumber({ least: 0, most: 10 }), z.array(z.string().min(1))])
      .default(0)
      .describe(
        'How many proxies stand in front, or their addresses (CIDR): whose X-Forwarded-For counts',
      ),
  })
  .prefault({})
  .transform(({ body_limit, trusted_proxies, ...rest }) => ({
    ...rest,
    bodyLimit: body_limit,
    trustedProxies: trusted_proxies,
  }))
