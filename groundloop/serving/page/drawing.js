// Boxes as SVG, in pixels of the image; the stroke keeps its width at every size.

const element = (name, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/** A class's colour on a light or a dark page. */
export const colored = (one, isDark) => (isDark ? one.dark : one.light);

/** Draws boxes, each with its class and score as its title. */
export function drawBoxes(svg, { width, height }, boxes, classes) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...boxes.map((box) => {
    const group = element("g", { class: "box", "data-class": classes[box.class_id].name });
    const place = { x: box.left, y: box.top, width: box.width, height: box.height };
    const title = element("title", {});
    title.textContent = `${classes[box.class_id].name} ${box.score.toFixed(2)}`;
    const edge = element("rect", { ...place, class: "edge", stroke: classes[box.class_id].dark, "pointer-events": "all" });
    group.append(title, element("rect", { ...place, class: "under" }), edge);
    return group;
  }));
}
