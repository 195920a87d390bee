// Runs inside the page, whose own scripts are off and which `still.js` has brought to rest.
(step) => {
  const query = (selector) => [...Document.prototype.querySelectorAll.call(document, selector)];
  const force = (element, property, value) =>
    element.style && element.style.setProperty(property, value, "important");
  const SILENT = new Set(["STYLE", "SCRIPT", "NOSCRIPT", "TEMPLATE", "TITLE", "HEAD"]);
  const MOST_WORDS = 1500;
  const MOST_IMAGES = 64;

  const clips = (style) => [style.overflowX, style.overflowY].some((value) => value !== "visible");

  const fullExtent = () => {
    const root = document.documentElement;
    const roots = [root, document.body];
    let width = Math.max(...roots.map((element) => element.scrollWidth));
    let height = Math.max(...roots.map((element) => element.scrollHeight));
    for (const element of query("body, body *")) {
      if (!(element instanceof HTMLElement) || !clips(getComputedStyle(element))) continue;
      const box = element.getBoundingClientRect();
      if (element.scrollHeight > element.clientHeight + 1)
        height = Math.max(height, box.top + element.scrollHeight);
      if (element.scrollWidth > element.clientWidth + 1)
        width = Math.max(width, box.left + element.scrollWidth);
    }
    return { width, height };
  };

  const looks = new Map();
  const look = (element) => {
    if (!element) return { opacity: 1, blurred: false };
    if (looks.has(element)) return looks.get(element);
    const above = look(element.parentElement);
    const style = getComputedStyle(element);
    const own = {
      opacity: above.opacity * parseFloat(style.opacity),
      blurred: above.blurred || style.filter.includes("blur"),
    };
    looks.set(element, own);
    return own;
  };

  // By how much an element's own units shrink or grow on their way to the screen, in the direction of least growth.
  const least = ({ a, b, c, d, m44 = 1 }) => {
    const squares = a * a + b * b + c * c + d * d;
    const area = a * d - b * c;
    const largest = Math.sqrt((squares + Math.sqrt(Math.max(squares * squares - 4 * area * area, 0))) / 2);
    return largest > 0 ? Math.abs(area / largest / m44) : 0;
  };

  const warps = new Map();
  const warp = (element) => {
    if (!element) return new DOMMatrix();
    if (warps.has(element)) return warps.get(element);
    const style = getComputedStyle(element);
    let own = warp(element.parentElement);
    if (style.display !== "inline" && style.scale !== "none")
      own = own.multiply(new DOMMatrix(`scale(${style.scale.split(" ").slice(0, 2).join()})`));
    if (style.display !== "inline" && style.transform !== "none")
      own = own.multiply(new DOMMatrix(style.transform.replace(/-?infinity|nan/gi, "0")));
    warps.set(element, own);
    return own;
  };

  // What a page declares, on its way to the screen. Drawings have units of their own.
  const typeSize = (element, style) => {
    const drawn = element instanceof SVGElement;
    const scale = drawn ? element.getScreenCTM?.() : warp(element);
    return parseFloat(style.fontSize) * (element.currentCSSZoom ?? 1) * (scale ? least(scale) : 0);
  };

  const blocks = new Map();
  const blockOf = (element) => {
    let block = element;
    while (block.parentElement && getComputedStyle(block).display.startsWith("inline"))
      block = block.parentElement;
    if (!blocks.has(block)) blocks.set(block, blocks.size);
    return blocks.get(block);
  };

  const sized = (box) => ({ x: box.left, y: box.top, width: box.width, height: box.height });

  const words = () => {
    const walker = Document.prototype.createTreeWalker.call(document, document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node && found.length < MOST_WORDS; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (SILENT.has(parent.tagName)) continue;
      const style = getComputedStyle(parent);
      const appearance = look(parent);
      for (const match of node.data.matchAll(/\S+/g)) {
        const range = new Range();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        found.push({
          text: match[0].slice(0, 80),
          box: sized(range.getBoundingClientRect()),
          block: blockOf(parent),
          heading: Boolean(parent.closest("h1, h2")),
          type_size: typeSize(parent, style),
          opacity: style.visibility === "visible" && !appearance.blurred ? appearance.opacity : 0,
        });
        if (found.length === MOST_WORDS) break;
      }
    }
    return found;
  };

  const images = () =>
    query("body img").slice(0, MOST_IMAGES).map((image) => ({
      source: image.getAttribute("src") || "",
      box: sized(image.getBoundingClientRect()),
      natural_width: image.naturalWidth,
      natural_height: image.naturalHeight,
      opacity: getComputedStyle(image).visibility === "visible" ? look(image).opacity : 0,
    }));

  const hideText = () =>
    query("*").forEach((element) => {
      const style = getComputedStyle(element);
      if (style.backgroundClip.includes("text")) force(element, "background", "none");
      force(element, "-webkit-text-fill-color", "transparent");
      force(element, "-webkit-text-stroke-color", "transparent");
      force(element, "text-shadow", "none");
    });

  // By a filter, because `natural` still asks for the opacity that the page declared.
  const hideImages = () => query("body img").forEach((image) => force(image, "filter", "opacity(0)"));

  // Everything that depends on the window's height becomes a number before the window shrinks.
  const freeze = () => {
    const held = query("body, body *").map((element) => {
      const style = getComputedStyle(element);
      const positioned = style.position === "absolute" || style.position === "fixed";
      return [element, style.fontSize, positioned, style.top, style.left, style.width, style.height];
    });
    for (const [element, fontSize, positioned, top, left, width, height] of held) {
      force(element, "font-size", fontSize);
      if (element.tagName === "IMG") {
        force(element, "width", width);
        force(element, "height", height);
      }
      if (positioned) {
        force(element, "top", top);
        force(element, "left", left);
        force(element, "bottom", "auto");
        force(element, "width", width);
      }
    }
  };

  const LARGEST_SPACE = 32;
  const LARGEST_LEADING = 1.1;
  const SPACES = ["margin-top", "margin-bottom", "padding-top", "padding-bottom", "row-gap"];
  const UNSTRETCHED = [
    ["height", "auto"], ["min-height", "0"], ["max-height", "none"], ["overflow", "visible"],
    ["flex-grow", "0"], ["flex-basis", "auto"], ["flex-shrink", "0"], ["aspect-ratio", "auto"],
    ["grid-template-rows", "none"], ["grid-auto-rows", "auto"], ["align-content", "start"],
    ["-webkit-line-clamp", "none"], ["contain", "none"], ["content-visibility", "visible"],
    ["letter-spacing", "normal"], ["text-justify", "auto"],
  ];

  const lays = (element) => element.textContent.trim() !== "" || element.tagName === "IMG" ||
    Element.prototype.querySelector.call(element, "img") !== null;

  const isSecondBreak = (element) => {
    let before = element.previousSibling;
    while (before && before.nodeType === Node.TEXT_NODE && before.data.trim() === "") before = before.previousSibling;
    return element.tagName === "BR" && before !== null && before.tagName === "BR";
  };

  // The boxes of the same words and images once nothing stretches, cuts or spreads them.
  const natural = () => {
    const all = query("html, body, body *");
    const unseen = images().map((image) => image.opacity < 0.3 || !image.natural_width ||
      !image.source.startsWith("images/"));
    query("body img").forEach((image, place) => unseen[place] !== false && force(image, "display", "none"));
    for (const element of all.filter((one) => one.tagName !== "IMG")) {
      if (isSecondBreak(element) || (element.tagName !== "BR" && !lays(element))) {
        force(element, "display", "none");
        continue;
      }
      const style = getComputedStyle(element);
      const positioned = style.position === "absolute" || style.position === "fixed";
      const spaces = SPACES.map((name) => [name, parseFloat(style[name]) || 0]);
      const leading = parseFloat(style.lineHeight) / parseFloat(style.fontSize);
      for (const [name, space] of spaces) if (space > LARGEST_SPACE) force(element, name, LARGEST_SPACE + "px");
      if (leading > LARGEST_LEADING) force(element, "line-height", String(LARGEST_LEADING));
      for (const [name, value] of UNSTRETCHED) force(element, name, value);
      if (style.position === "relative" || style.position === "sticky") force(element, "inset", "auto");
      if (!positioned) for (const name of ["transform", "translate", "scale"]) force(element, name, "none");
    }
    return { words: words().map((word) => word.box), images: images().map((image) => image.box) };
  };

  switch (step) {
    case "layout": return { words: words(), images: images(), ...fullExtent() };
    case "hide_text": return hideText();
    case "hide_images": return hideImages();
    case "freeze": return freeze();
    case "natural": return natural();
  }
}
