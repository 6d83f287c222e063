/** Time zones to choose from: the rule's own, this machine's and UTC before all others. */
export function zoneChoices(
  rule: string | undefined,
  here: string,
  all: readonly string[],
): { value: string; label: string }[] {
  const first = [...new Set([...(rule === undefined ? [] : [rule]), here, "UTC"])];
  const label = (zone: string): string => {
    const marks = [zone === rule && "the rule's", zone === here && "here"].filter((mark) => mark !== false);
    return marks.length === 0 ? zone : `${zone} (${marks.join(", ")})`;
  };
  return [...first, ...all.filter((zone) => !first.includes(zone))].map((zone) => ({
    value: zone,
    label: label(zone),
  }));
}
