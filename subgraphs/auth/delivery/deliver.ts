/** Delivers a mail: by SMTP, by an HTTP call, or to the terminal in development. */
export interface Letter {
  /** An e-mail address; undefined where the account has none. */
  readonly to: string | undefined
  readonly subject: string
  readonly text: string
}

export type Deliver = (letter: Letter) => Promise<void>

export interface DeliveryOptions {
  /** smtp(s)://USER:PASSWORD@HOST or http(s)://...; if undefined, mail is printed, except in production. */
  url: string | undefined
  /** The sender. */
  from: string
  production: boolean
}

/** How long a delivery may take, in milliseconds. */
const timeout = 10_000

export function delivery({ url, from, production }: DeliveryOptions): Deliver {
  if (url === undefined) return production ? undeliverable : print
  if (/^https?:/.test(url)) return byHttp(url, from)
  return bySmtp(url, from)
}

async function print({ to, subject, text }: Letter): Promise<void> {
  console.log(`--- mail to ${to ?? 'an account without an address'}: ${subject}\n${text}---`)
}

/** The mail is a secret: the log only says that there was one. */
async function undeliverable(): Promise<void> {
  throw new Error('MAIL_URL is not set, so no mail can be sent')
}

function byHttp(url: string, from: string): Deliver {
  return async (letter) => {
    if (letter.to === undefined) return
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from, ...letter }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`MAIL_URL responded with ${response.status}`)
  }
}

function bySmtp(url: string, from: string): Deliver {
  return async ({ to, subject, text }) => {
    if (to === undefined) return
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      url,
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
    })
    await transport.sendMail({ from, to, subject, text })
  }
}
