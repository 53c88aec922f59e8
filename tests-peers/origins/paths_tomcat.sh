#!/bin/sh
# Debian's Tomcat 10 with its servlet for files, in a folder of its own; runs until it is ended.
# usage: paths_tomcat.sh FOLDER PORT; FOLDER/files is what it serves
set -e
folder=$1
port=$2
home=/usr/share/tomcat10
mkdir -p "$folder/tomcat/conf" "$folder/tomcat/logs" "$folder/tomcat/temp" "$folder/tomcat/work"
cat > "$folder/tomcat/conf/web.xml" <<XML
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
  <servlet>
    <servlet-name>default</servlet-name>
    <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
    <load-on-startup>1</load-on-startup>
  </servlet>
  <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>
XML
cat > "$folder/tomcat/conf/server.xml" <<XML
<Server port="-1">
  <Service name="Catalina">
    <Connector port="$port" address="127.0.0.1" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="apps"><Context path="" docBase="$folder/files"/></Host>
    </Engine>
  </Service>
</Server>
XML
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -Dcatalina.home="$home" -Dcatalina.base="$folder/tomcat" \
  -Djava.io.tmpdir="$folder/tomcat/temp" -cp "$home/bin/bootstrap.jar:$home/bin/tomcat-juli.jar" \
  org.apache.catalina.startup.Bootstrap start
