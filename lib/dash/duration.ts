const DURATION = /^P(?:0+Y)?(?:0+M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5}(?:\.\d{1,9})?)S)?)?$/

/** An XML duration (`PT2.5S`) in milliseconds; 0 if there is none, or if it counts years or months. */
export const durationMs = (text: string | undefined): number => {
  const [, days, hours, minutes, seconds] = DURATION.exec(text?.trim() ?? '') ?? []
  return Math.round(1000 * (((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)))
}
