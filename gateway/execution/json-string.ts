/** Characters that JSON text cannot hold as they are, and halves of surrogate pairs. */
const special = /[\u0000-\u001f"\\\ud800-\udfff]/

/** Returns the JSON text of a string: what JSON.stringify returns, sooner for short plain text. */
export function jsonString(text: string): string {
  if (text.length > 48) return special.test(text) ? JSON.stringify(text) : `"${text}"`
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 32 || code === 34 || code === 92 || (code >= 0xd800 && code <= 0xdfff)) {
      return JSON.stringify(text)
    }
  }
  return `"${text}"`
}
