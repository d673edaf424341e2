/** A QR code (ISO/IEC 18004), drawn in the page: no picture is loaded, and no text becomes markup. */
import { encode } from 'uqr'

export interface QrCodeProps {
  /** What is read from it. */
  readonly text: string
  /** What it is, for those who do not see it. */
  readonly label: string
}

export function QrCode({ text, label }: QrCodeProps) {
  // Readers need a light border of four modules (section 9.1).
  const { size, data } = encode(text, { ecc: 'M', border: 4 })
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  )
  return (
    <svg class="qr-code" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`}>
      <path d={dark.join('')} shape-rendering="crispEdges" />
    </svg>
  )
}
