/** Characters that must be escaped in JSON, and lone surrogates. */
const special = /[\u0000-\u001f"\\\ud800-\udfff]/

/** Returns whether a string needs no escaping in JSON. */
export function isPlainText(text: string): boolean {
  if (text.length > 48) return !special.test(text)
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 32 || code === 34 || code === 92 || (code >= 0xd800 && code <= 0xdfff)) return false
  }
  return true
}

/** Returns the JSON text of a string: what JSON.stringify returns, sooner for short plain text. */
export function jsonString(text: string): string {
  return isPlainText(text) ? `"${text}"` : JSON.stringify(text)
}
