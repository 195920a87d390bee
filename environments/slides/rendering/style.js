// Runs inside the page at rest: what its styles come to, whatever they say.
() => {
  const query = (selector) => [...Document.prototype.querySelectorAll.call(document, selector)];
  const holds = (element) => element.textContent.trim() !== "" || element.tagName === "IMG" ||
    Element.prototype.querySelector.call(element, "img") !== null;
  const COLOUR = /(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\([^()]*\)/g;
  const SIDES = ["Top", "Right", "Bottom", "Left"];
  const says = (element) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");

  const painted = (element, style, speaks) => [
    style.backgroundColor, style.backgroundImage, style.boxShadow, style.textShadow,
    ...(speaks ? [style.color] : []),
    ...(element instanceof SVGElement ? [style.fill, style.stroke] : []),
    ...SIDES.filter((side) => parseFloat(style[`border${side}Width`]) > 0).map((side) => style[`border${side}Color`]),
  ];

  // How many colours are in use, whatever they are called.
  const colours = () => {
    const found = new Set();
    const add = (values) => values.forEach((value) => (value.match(COLOUR) || [])
      .filter((colour) => !/^rgba.*, 0\)$|\/ 0\)$/.test(colour)).forEach((colour) => found.add(colour)));
    for (const element of query("html, body, body *")) {
      if (element.closest("style, title")) continue;
      add(painted(element, getComputedStyle(element), says(element)));
      for (const pseudo of ["::before", "::after"]) {
        const style = getComputedStyle(element, pseudo);
        if (style.content !== "none" && style.content !== "normal")
          add(painted(element, style, style.content !== '""'));
      }
    }
    return found.size;
  };

  const GAPS = [...SIDES.flatMap((side) => [`margin-${side.toLowerCase()}`, `padding-${side.toLowerCase()}`]),
    "row-gap", "column-gap"];

  // Margins, paddings and gaps of what holds content, in px; not those that the browser chooses.
  const spaces = () => query("body, body *").filter(holds).flatMap((element) => {
    const style = getComputedStyle(element);
    const declared = element.computedStyleMap();
    return GAPS.filter((name) => !(declared.get(name) instanceof CSSKeywordValue))
      .map((name) => parseFloat(style[name])).filter((space) => space);
  });

  return { colours: colours(), spaces: spaces() };
}
