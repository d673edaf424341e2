import { z } from 'zod'

/** A token of RFC 9110 section 5.6.2: the name of a header, a scheme or a cookie. */
const httpToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** An entry of `authentication.sources`: a header or a cookie that may contain the token. */
export const tokenSourceSchema = z.union([
  z
    .strictObject({
      header: z
        .string()
        .regex(httpToken, 'expected a header name')
        .transform((name) => name.toLowerCase()),
      scheme: z
        .string()
        .regex(httpToken, 'expected an authentication scheme')
        .optional()
        .describe('The word before the token; left out: the complete value is the token'),
    })
    .transform(({ header, scheme }) =>
      // The Authorization header always has a scheme (RFC 9110 section 11.6.2).
      header === 'authorization' ? { header, scheme: scheme ?? 'Bearer' } : { header, scheme },
    ),
  z.strictObject({ cookie: z.string().regex(httpToken, 'expected a cookie name') }),
])
